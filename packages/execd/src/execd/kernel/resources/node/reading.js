// From the text of a cell to a script: translated, parsed, rewritten and compiled; or what is wrong with it, and where.
'use strict';

const vm = require('node:vm');

const { rewrite } = require('./rewrite.js');
const { parse } = require('./syntax.js');
const { unreadable } = require('./traces.js');

const MODULE_SYNTAX = /^\s*(import|export)\b/m;
const SHOWN = /:(\d+)\n([^\n]*)\n([ \t]*)\^/;

/** A cell of which nothing runs; `content` is its reply. */
class Unreadable extends Error {
  constructor(name, message, place, text) {
    super(message);
    this.content = unreadable(name, message, place, text.split('\n'));
  }
}

/** Return `{text, shift, tree}`: an object literal is one, though a statement would be a block. */
function parsed(text) {
  if (/^\s*\{/.test(text) && !/;\s*$/.test(text)) {
    try {
      const wrapped = `(${text}\n)`;
      const tree = parse(wrapped);
      if (tree.body.length === 1 && tree.body[0].expression?.type === 'ObjectExpression') {
        return { text: wrapped, shift: 1, tree };
      }
    } catch {
      // A block, then.
    }
  }
  return { text, shift: 0, tree: parse(text) };
}

/** Return where V8 says that a script is wrong, from the head of its stack. */
function placeIn(error) {
  const found = SHOWN.exec(typeof error.stack === 'string' ? error.stack : '');
  return found ? { line: Number(found[1]), column: found[3].length + 1 } : undefined;
}

/** Compile a script; `otherwise` is where it is wrong if V8 does not say so, in the text that `back` leads to. */
function compile(name, text, back, original, otherwise) {
  try {
    return new vm.Script(text, { filename: name });
  } catch (error) {
    const place = placeIn(error);
    throw new Unreadable(name, error.message, place ? back(place) : otherwise, original);
  }
}

const lastLine = (text) => text.split('\n').length;

/** Compile what the parser did not take: V8 tells better what is wrong, and may know what the parser does not. */
function unparsed(name, text, error, back, original) {
  const place = error.loc && back({ line: error.loc.line, column: error.loc.column + 1 });
  if (MODULE_SYNTAX.test(text)) throw new Unreadable(name, error.message.replace(/ \(\d+:\d+\)$/, ''), place, original);
  const waits = /\bawait\b/.test(text);
  const script = waits ? `(async () => {\n${text}\n})()` : text;
  const shifted = ({ line, column }) => back({ line: waits ? line - 1 : line, column });
  return { script: compile(name, script, shifted, original, place), made: undefined, back: shifted, hidden: waits ? lastLine(script) : undefined };
}

/**
 * Return `{script, made, back, hidden}` for a cell; throws `Unreadable`. `names` has `number`, `known` and `constants`,
 * `translate` makes JavaScript of the cell first, and `made` is undefined for a cell that was not rewritten.
 */
function read(name, code, names, translate) {
  const original = code;
  let back = (place) => place;
  let fresh = [];
  if (translate) {
    const translated = translate(code);
    if (translated.problem) throw new Unreadable(name, translated.problem.message, translated.problem.place, code);
    ({ code, back, fresh } = translated);
  }
  let tree;
  try {
    tree = parsed(code);
  } catch (error) {
    return unparsed(name, code, error, back, original);
  }
  const fixed = fresh.filter((each) => names.known.has(each)).map((each) => `${each} = void 0;`).join('');
  const made = rewrite(tree.text, tree.tree, { ...names, original: code, shift: tree.shift, fixed });
  const both = (place) => back(made.pieced.back(place));
  const { text } = made.pieced;
  return { script: compile(name, text, both, original), made, back: both, hidden: made.asynchronous ? lastLine(text) : undefined };
}

module.exports = { read, Unreadable };
