// How a cell is stopped: what runs now is ended, and what it has started never goes on.
//
// Asynchronous functions remember the run that they were called in, and so do timers. After an interrupt its timers do not
// fire, an `await` that comes back throws, and the next one never does, so that no loop of a stopped cell goes on behind
// the next one's back. (AsyncLocalStorage would know it for callbacks too, but makes promises three times as slow before
// Node 24, and leaves Node's own books wrong when execution ends in the middle of them.)
'use strict';

const inspector = require('node:inspector');
const timers = require('node:timers');

class Interrupted extends Error {
  name = 'Interrupted';

  constructor() {
    super('the cell was interrupted');
  }
}

const NOBODY = Object.freeze({ stopped: false });
const session = new inspector.Session();
session.connect();
let active = NOBODY;

/** Return the run that what is called now belongs to. */
const run = () => active;

/** Take what comes from now on for a part of a run, an object whose `stopped` becomes true with `stop`. */
function enter(entered) {
  active = entered;
}

/** End what is being executed, down to the bottom of the stack; no `finally` of it runs. */
function terminate() {
  forgetScopes();
  session.post('Runtime.terminateExecution');
}

/**
 * Node keeps a stack of asynchronous scopes that nobody puts right on the way down, and aborts when it finds out. After
 * an uncaught exception it empties it; this is that, for an exception of ours.
 */
function forgetScopes() {
  const captured = !process.hasUncaughtExceptionCaptureCallback();
  if (captured) process.setUncaughtExceptionCaptureCallback(() => {});
  try {
    process._fatalException(new Interrupted(), false);
  } finally {
    if (captured) process.setUncaughtExceptionCaptureCallback(null);
  }
}

/** Let nothing that a run has started go on. */
function stop(stopped) {
  stopped.stopped = true;
  if (active === stopped) active = NOBODY;
}

/** Return what a function of a run is about to await: after its end, what never comes. */
function before(own, value) {
  return own?.stopped ? new Promise(() => {}) : value;
}

/** Return what a function of a run has awaited; throws after its end. */
function after(own, value) {
  if (own?.stopped) throw new Interrupted();
  if (own) active = own;
  return value;
}

function tame(original) {
  const tamed = function (callback, ...rest) {
    if (typeof callback !== 'function') return original(callback, ...rest);
    const own = active;
    return original(
      function (...values) {
        if (own.stopped) return this?.close?.();
        const outer = active;
        active = own;
        try {
          return callback.apply(this, values);
        } finally {
          active = outer;
        }
      },
      ...rest,
    );
  };
  Object.defineProperties(tamed, Object.getOwnPropertyDescriptors(original));
  return tamed;
}

/** Put timers in the place of Node's that do not fire in a stopped run; returns its own `setImmediate`. */
function installTimers() {
  const { setImmediate } = timers;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const tamed = tame(timers[name]);
    timers[name] = tamed;
    Object.defineProperty(globalThis, name, { value: tamed, writable: true, configurable: true, enumerable: true });
  }
  return setImmediate;
}

module.exports = { Interrupted, run, enter, forgetScopes, terminate, stop, before, after, installTimers };
