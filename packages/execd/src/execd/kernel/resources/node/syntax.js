// The parser of JavaScript that every Node carries for itself, and walks over its trees.
'use strict';

const vm = require('node:vm');

let acorn;

function load() {
  const source = process.binding('natives')['internal/deps/acorn/acorn/dist/acorn'];
  const module = { exports: {} };
  const wrapped = `(function (exports, module) {${source}\n})`;
  new vm.Script(wrapped, { filename: 'acorn.js' }).runInThisContext()(module.exports, module);
  return module.exports;
}

/** Return the tree of a text in which `await`, `import` and `export` may stand anywhere; throws `SyntaxError`. */
function parse(text) {
  acorn ??= load();
  return acorn.parse(text, {
    ecmaVersion: 'latest',
    sourceType: 'script',
    allowAwaitOutsideFunction: true,
    allowImportExportEverywhere: true,
    allowHashBang: true,
  });
}

/** Return the nodes directly below one, in the order of the text. */
function children(node) {
  const found = [];
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) found.push(...value.filter((each) => typeof each?.type === 'string'));
    else if (typeof value?.type === 'string') found.push(value);
  }
  return found.sort((one, other) => one.start - other.start);
}

const isFunction = (node) => /^(Function|ArrowFunction)/.test(node.type);

/** Return the names that a pattern binds. */
function bound(pattern) {
  if (!pattern) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) => bound(each.type === 'Property' ? each.value : each.argument));
    case 'ArrayPattern':
      return pattern.elements.flatMap(bound);
    case 'AssignmentPattern':
      return bound(pattern.left);
    case 'RestElement':
      return bound(pattern.argument);
    default:
      return [];
  }
}

/** Return every name that is declared somewhere in a node. */
function declared(node) {
  const own = [];
  if (node.type === 'VariableDeclarator') own.push(...bound(node.id));
  else if (isFunction(node)) own.push(...node.params.flatMap(bound));
  else if (node.type === 'CatchClause') own.push(...bound(node.param));
  if (/^(Function|Class)/.test(node.type) && node.id) own.push(node.id.name);
  return children(node).reduce((names, each) => names.concat(declared(each)), own);
}

module.exports = { parse, children, isFunction, bound, declared };
