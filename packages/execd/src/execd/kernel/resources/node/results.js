// What is shown for a value: its text, and JSON where JSON can say all of it.
'use strict';

const util = require('node:util');

const DISPLAY = Symbol.for('Jupyter.display');
const MOST_NODES = 100_000;

/** Whether JSON gives a value back as it is. */
function isPlain(value, left, above = new Set()) {
  if (--left.nodes < 0) return false;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || util.types.isProxy(value) || above.has(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return false;
  if (typeof value.toJSON === 'function' || Object.getOwnPropertySymbols(value).length) return false;
  above.add(value);
  const plain = Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (each) => !each.enumerable || ('value' in each && isPlain(each.value, left, above)),
  );
  above.delete(value);
  return plain;
}

/** Return the MIME bundle of a value. */
async function bundle(value) {
  const own = value !== null && typeof value === 'object' ? value[DISPLAY] : undefined;
  if (typeof own === 'function') return JSON.parse(JSON.stringify(await own.call(value)));
  const data = { 'text/plain': util.inspect(value) };
  if (typeof value === 'object' && value !== null && isPlain(value, { nodes: MOST_NODES })) {
    data['application/json'] = JSON.parse(JSON.stringify(value));
  }
  return data;
}

module.exports = { bundle };
