// Errors as the user is to see them: positions in the text of the cell, and no frames of the worker.
'use strict';

const util = require('node:util');

const OURS = __dirname + '/';
const PLACE = /\b(cell-\d+):(\d+):(\d+)/g;
const sources = new Map();

/**
 * Remember how positions in a script are to be told: `back({line, column})` returns one in the cell, and what is on the
 * line `hidden` is nothing of the cell's.
 */
function remember(name, { back, hidden }) {
  sources.set(name, { back, hidden });
}

/** Return a text with the positions of scripts in it replaced by those of their cells. */
function placed(text) {
  return text.replace(PLACE, (all, name, line, column) => {
    const source = sources.get(name);
    if (!source) return all;
    const there = source.back({ line: Number(line), column: Number(column) });
    return `${name}:${there.line}:${there.column}`;
  });
}

function isHidden(text) {
  const [, name, line] = /\b(cell-\d+):(\d+):\d+\)?$/.exec(text) ?? [];
  return name !== undefined && sources.get(name)?.hidden === Number(line);
}

function shown(sites) {
  const texts = sites.map(String);
  const isOurs = (text) => text.includes(OURS);
  const isCell = (text) => /\bcell-\d+:\d/.test(text);
  // Below the last frame of a cell is who called it, if that was the worker.
  const last = texts.findLastIndex ? texts.findLastIndex(isCell) : texts.map(isCell).lastIndexOf(true);
  const callers = texts.slice(last + 1);
  const kept = last >= 0 && callers.some(isOurs) ? texts.slice(0, last + 1) : texts;
  return kept.filter((text) => !isOurs(text) && !isHidden(text)).map(placed);
}

function title(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

/** Have stacks written like this, wherever they are looked at. */
function installTraces() {
  Error.prepareStackTrace = (error, sites) => [title(error), ...shown(sites).map((each) => `    at ${each}`)].join('\n');
}

function attempt(what, otherwise) {
  try {
    return String(what());
  } catch {
    return otherwise;
  }
}

/** Return what an error is called; a class that does not say so is called by its own name. */
function named(thrown) {
  const own = thrown.constructor?.name;
  return !thrown.name || thrown.name === 'Error' ? own || 'Error' : String(thrown.name);
}

/** Return where the cell is that calls, as the frames of a stack. */
function here() {
  const { stack } = new Error();
  return String(stack).split('\n').filter((line) => /\bcell-\d/.test(line));
}

/** Give an error that knows no cell the frames of `here`, in the place of those of Node's loader. */
function locate(error, frames) {
  if (!util.types.isNativeError(error) || typeof error.stack !== 'string' || /\bcell-\d/.test(error.stack)) return error;
  error.stack = [error.stack.split('\n    at ')[0], ...frames].join('\n');
  return error;
}

/** Return the content of the reply for something that was thrown. */
function failed(thrown) {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function';
  const text = attempt(() => util.inspect(thrown), 'an error that cannot be shown');
  if (!isObject) return reply('Uncaught', typeof thrown === 'string' ? thrown : text, [`Uncaught ${text}`]);
  const name = attempt(() => named(thrown), 'Error');
  const message = attempt(() => ('message' in thrown ? thrown.message : text), text);
  const isError = util.types.isNativeError(thrown) || thrown instanceof Error;
  return reply(name, message, isError ? text.split('\n') : [`Uncaught ${text}`]);
}

/** Return the content of the reply for a cell that cannot be read; `place` is `{line, column}`, `lines` the cell's. */
function unreadable(source, message, place, lines) {
  if (!place) return reply('SyntaxError', message, [source, `SyntaxError: ${message}`]);
  const line = lines[place.line - 1] ?? '';
  const caret = line.slice(0, place.column - 1).replace(/[^\t]/g, ' ') + '^';
  const where = `${source}:${place.line}:${place.column}`;
  return reply('SyntaxError', message, [where, line, caret, '', `SyntaxError: ${message}`, `    at ${where}`]);
}

function reply(ename, evalue, traceback) {
  return { status: 'error', ename, evalue, traceback };
}

module.exports = { remember, installTraces, here, locate, failed, unreadable };
