// Standard output and error: every write is in the pipe before the call returns, whoever else writes to it.
'use strict';

const fs = require('node:fs');
const { Console } = require('node:console');
const { Writable } = require('node:stream');

const CHUNK = 1 << 16; // between two of them an interrupt is heard
const GONE = { EPIPE: true, EIO: true }; // nobody reads: the daemon is about to end this process
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Write all of a buffer; waits while a pipe is full, also where somebody made it non-blocking. */
function writeAll(fd, data) {
  for (let from = 0; from < data.length; ) {
    try {
      from += fs.writeSync(fd, data, from, Math.min(CHUNK, data.length - from));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** A writable stream without a buffer: an interrupt in the middle of a write leaves nothing behind in it. */
function stream(fd) {
  const made = new Writable({ write: (data, encoding, done) => put(data, encoding, done) });
  const put = (data, encoding, done) => {
    const last = [encoding, done].find((each) => typeof each === 'function');
    let failure = null;
    try {
      writeAll(fd, typeof data === 'string' ? Buffer.from(data, typeof encoding === 'string' ? encoding : 'utf8') : data);
    } catch (error) {
      if (!(error.code in GONE)) throw error;
      failure = error;
    }
    if (last) process.nextTick(last, failure);
    return true;
  };
  const itself = () => made;
  const nothing = () => {};
  // As with Node's own, an end closes nothing, since others go on to write.
  const end = (data, encoding, done) => {
    const last = [data, encoding, done].find((each) => typeof each === 'function');
    if (data !== undefined && data !== null && data !== last) put(data, encoding);
    if (last) process.nextTick(last);
    return made;
  };
  return Object.assign(made, { fd, _type: 'pipe', write: put, end, destroy: itself, destroySoon: itself, cork: nothing, uncork: nothing });
}

/** Put streams and a console that write at once in the place of Node's own. */
function installOutput() {
  for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
    const made = stream(fd);
    Object.defineProperty(process, name, { get: () => made, configurable: true, enumerable: true });
  }
  // Node's methods tell the inspector too, which would keep what was logged.
  const ours = new Console({ stdout: process.stdout, stderr: process.stderr });
  for (const name of Object.keys(ours)) {
    if (typeof ours[name] === 'function') globalThis.console[name] = ours[name];
  }
}

module.exports = { writeAll, installOutput };
