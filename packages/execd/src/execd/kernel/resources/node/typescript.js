// TypeScript cells: types are taken away, not checked, and what TypeScript adds (enums, namespaces, decorators,
// parameter properties) becomes JavaScript. Positions lead back to the user's text.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** Return the name of the file with compiled code, which `prepare_typescript.js` makes for one version of Node. */
const cacheFile = (directory) => path.join(directory, 'compiled');

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
    target: ts.ScriptTarget.ES2022,
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

function translate(ts, compilerOptions, text) {
  let source;
  const keepSource = () => (file) => {
    source = file;
    return file;
  };
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
    compilerOptions,
    reportDiagnostics: true,
    fileName: 'cell.ts',
    transformers: { before: [keepSource] },
  });
  source ??= ts.createSourceFile('cell.ts', text, compilerOptions.target);
  const wrong = problem(ts, diagnostics, source);
  if (wrong) return { problem: wrong };
  const code = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
  return { code, back: backwards(sourceMapText), fresh: remade(ts, source), source };
}

/** Return what an object literal is translated to, undefined for any other text: as a statement it would be a block. */
function literal(ts, compilerOptions, text) {
  if (!/^\s*\{/.test(text) || /;\s*$/.test(text)) return undefined;
  const made = translate(ts, compilerOptions, `(${text}\n)`);
  const only = made.source?.statements.length === 1 ? made.source.statements[0].expression : undefined;
  if (!only || !ts.isParenthesizedExpression(only) || !ts.isObjectLiteralExpression(only.expression)) return undefined;
  const { back, code, fresh } = made;
  const shifted = (place) => {
    const { line, column } = back(place);
    return { line, column: line === 1 ? Math.max(column - 1, 1) : column };
  };
  return { code, back: shifted, fresh };
}

/** Return a function from the text of a cell to `{code, back, fresh}` or `{problem}`. */
function translator(ts) {
  const compilerOptions = options(ts);
  return (text) => literal(ts, compilerOptions, text) ?? translate(ts, compilerOptions, text);
}

function backwards(sourceMapText) {
  let map;
  return (place) => {
    map ??= new Module.SourceMap(JSON.parse(sourceMapText));
    const entry = map.findEntry(place.line - 1, place.column - 1);
    return entry.originalLine === undefined ? place : { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
}

/** Let `require` take files of TypeScript, as those that a user has put beside the cells. */
function installExtension(ts) {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true };
  Module._extensions['.ts'] = (module, file) => {
    const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions, fileName: file });
    module._compile(outputText, file);
  };
}

/** Return the translator made of the package in a directory. */
function load(directory) {
  const { ts } = compiler(directory);
  installExtension(ts);
  return translator(ts);
}

module.exports = { load, compiler, translator, cacheFile };
