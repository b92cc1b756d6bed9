// Reads what the daemon says, in a thread that no cell can keep busy, and passes it on to the main thread.
//
// An interrupt is a call that the main thread makes at its next check for one, be it in the middle of a loop: there it
// is certain whether the cell still runs. What is left to do then comes as a message, when the stack is empty.
'use strict';

const inspector = require('node:inspector');
const net = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');

const LOAD_GRACE_MS = 100; // for a module that is being loaded
const TIMES = 10;
const END_GRACE_MS = 400;
let sent = 0; // cells
let last; // what the last of them is called
const session = new inspector.Session();
session.connectToMainThread();

/** Call a function of the runtime in the main thread, whatever that does. */
function call(expression) {
  session.post('Runtime.evaluate', { expression: `__execd.${expression}`, silent: true }, () => {});
}

/** As long as the cell is not answered, end it again; a program that it starts just now has not had the signal. */
function insist(id, number, times) {
  setTimeout(() => {
    if (Atomics.load(workerData.bell, 1) >= number || times === 0) return;
    call(`terminate(${JSON.stringify(id)})`);
    process.kill(0, 'SIGINT');
    insist(id, number, times - 1);
  }, LOAD_GRACE_MS);
}

function interrupt(id) {
  call(`interrupt(${JSON.stringify(id)})`);
  parentPort.postMessage({ type: 'settle', id });
  if (id === last) insist(id, sent, TIMES);
}

function ring() {
  Atomics.add(workerData.bell, 0, 1);
  Atomics.notify(workerData.bell, 0);
}

function answer(value) {
  workerData.answers.postMessage(value);
  ring();
}

parentPort.once('message', () => {
  session.disconnect();
  ring();
});

function end() {
  call('terminate()');
  parentPort.postMessage({ type: 'end' });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_GRACE_MS);
}

function hear(line) {
  const message = JSON.parse(line);
  if (message.type === 'interrupt') interrupt(message.id);
  else if (message.type === 'input') answer(message.value);
  else parentPort.postMessage(message);
  if (message.type === 'execute') {
    sent += 1;
    last = message.id;
  }
}

let pieces = [];
const pipe = new net.Socket({ fd: workerData.take, readable: true, writable: false });
pipe.on('data', (data) => {
  let from = 0;
  for (let to = data.indexOf(10); to >= 0; to = data.indexOf(10, from)) {
    hear(Buffer.concat([...pieces, data.subarray(from, to)]).toString());
    pieces = [];
    from = to + 1;
  }
  if (from < data.length) pieces.push(data.subarray(from));
});
pipe.on('end', end);
pipe.on('error', end);
