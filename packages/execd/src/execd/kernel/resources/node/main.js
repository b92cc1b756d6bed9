// The worker for JavaScript and TypeScript: takes cells from the daemon and runs them in its own main realm.
//
// Arguments: descriptors to read and to write, then for TypeScript the directory of the `typescript` package.
// docs/workers.md has the protocol. A second thread reads it, since cells keep this one busy.
'use strict';

const fs = require('node:fs');
const { Worker, MessageChannel } = require('node:worker_threads');

const LEAVE_MS = 200;
const [take, tell, typescript] = process.argv.slice(2);

/** Return a descriptor of our own for an inherited pipe: children do not get it, nor do its flags reach the daemon. */
function keep(inherited, flags) {
  let kept;
  try {
    kept = fs.openSync(`/proc/self/fd/${inherited}`, flags);
  } catch {
    return Number(inherited);
  }
  fs.closeSync(Number(inherited));
  return kept;
}

if (Number.parseInt(process.versions.node, 10) >= 23) {
  // V8 takes the checks for interrupts out of some loops that it unrolls.
  require('node:v8').setFlagsFromString('--no-turboshaft-loop-unrolling');
}

const { writeAll, installOutput } = require('./output.js');
const channel = keep(tell, 'w');
const say = (message) => writeAll(channel, Buffer.from(`${JSON.stringify(message)}\n`));

installOutput();
const input = new MessageChannel();
const bell = new Int32Array(new SharedArrayBuffer(8)); // rings for an answer; cells answered
const listener = new Worker(require.resolve('./listener.js'), {
  workerData: { take: keep(take, 'r'), answers: input.port2, bell },
  transferList: [input.port2],
  execArgv: [],
  resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 },
  stdin: false,
});

const { Cells } = require('./cells.js');
const { Envs } = require('./envs.js');
const translate = typescript ? require('./typescript.js').load(typescript) : undefined;
const envs = new Envs();
const cells = new Cells({ say, translate, answers: input.port1, bell });

const acts = {
  execute: (message) => cells.put(message),
  settle: (message) => cells.settle(message.id),
  lend_envs: (message) => envs.lend(message.envs),
  return_envs: () => envs.giveBack(),
  end: () => process.exit(0),
};
listener.on('message', (message) => acts[message.type]?.(message));
listener.on('error', (error) => {
  fs.writeSync(2, `the worker cannot hear the daemon: ${error}\n`);
  process.exit(70);
});
listener.once('online', () => {
  say({ type: 'ready', version: process.versions.node });
  setImmediate(() => cells.prepare());
});

process.on('exit', () => {
  // A session of the inspector that is open at the end is told on standard error.
  const heard = Atomics.load(bell, 0);
  listener.postMessage('leave');
  Atomics.wait(bell, 0, heard, LEAVE_MS);
});
