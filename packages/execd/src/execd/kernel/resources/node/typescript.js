// TypeScript cells: types are taken away, not checked, and what TypeScript adds (enums, namespaces, decorators,
// parameter properties) becomes JavaScript. Positions lead back to the user's text.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** Return the name of the file with compiled code for this Node, which `prepare_typescript.js` makes. */
const cacheFile = (directory) => path.join(directory, `compiled-${process.version}-${process.arch}`);

/** Return the compiler and the script that it is in. */
function compiler(directory) {
  const file = path.join(directory, 'lib', 'typescript.js');
  let cachedData;
  try {
    cachedData = fs.readFileSync(cacheFile(directory));
  } catch {
    // It only takes longer.
  }
  const script = new vm.Script(Module.wrap(fs.readFileSync(file, 'utf8')), { filename: file, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, Module.createRequire(file), module, file, path.dirname(file));
  return { ts: module.exports, script };
}

function options(ts) {
  return {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.Preserve,
    moduleDetection: ts.ModuleDetectionKind.Force,
    verbatimModuleSyntax: true,
    useDefineForClassFields: true,
    sourceMap: true,
    removeComments: false,
  };
}

/** Return the names of enums and namespaces: each cell makes them anew. */
function remade(ts, source) {
  const kinds = new Set([ts.SyntaxKind.EnumDeclaration, ts.SyntaxKind.ModuleDeclaration]);
  return source.statements.filter((each) => kinds.has(each.kind) && each.name.text).map((each) => each.name.text);
}

function problem(ts, diagnostics, source) {
  const first = diagnostics.find((each) => each.category === ts.DiagnosticCategory.Error && each.start !== undefined);
  if (!first) return undefined;
  const { line, character } = source.getLineAndCharacterOfPosition(first.start);
  const message = ts.flattenDiagnosticMessageText(first.messageText, '\n');
  return { message, place: { line: line + 1, column: character + 1 } };
}

/** Return a function from the text of a cell to `{code, back, fresh}` or `{problem}`. */
function translator(ts) {
  const compilerOptions = options(ts);
  return (text) => {
    let source;
    const catchSource = () => (file) => {
      source = file;
      return file;
    };
    const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
      compilerOptions,
      reportDiagnostics: true,
      fileName: 'cell.ts',
      transformers: { before: [catchSource] },
    });
    source ??= ts.createSourceFile('cell.ts', text, ts.ScriptTarget.ESNext);
    const wrong = problem(ts, diagnostics, source);
    if (wrong) return { problem: wrong };
    const code = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
    return { code, back: backwards(sourceMapText), fresh: remade(ts, source) };
  };
}

function backwards(sourceMapText) {
  let map;
  return (place) => {
    map ??= new Module.SourceMap(JSON.parse(sourceMapText));
    const entry = map.findEntry(place.line - 1, place.column - 1);
    return entry.originalLine === undefined ? place : { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
}

/** Return the translator made of the package in a directory. */
function load(directory) {
  return translator(compiler(directory).ts);
}

module.exports = { load, compiler, translator, cacheFile };
