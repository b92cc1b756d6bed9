// The life of a cell: read, rewritten, run in the main realm, and answered exactly once.
'use strict';

const util = require('node:util');
const { receiveMessageOnPort } = require('node:worker_threads');

const { Importing, Loading } = require('./importing.js');
const { read, Unreadable } = require('./reading.js');
const { bundle } = require('./results.js');
const stopping = require('./stopping.js');
const traces = require('./traces.js');

const SIGNAL_MS = 50;
const REDECLARED = /^Identifier '(.+)' has already been declared$/;

class Cells {
  #current;
  #waiting = [];
  #count = 0;
  #known = new Set();
  #constants = new Set();

  constructor({ say, translate, answers, bell }) {
    Object.assign(this, { say, translate, answers, bell });
    this.importing = new Importing({ lenient: translate !== undefined });
    this.loading = new Loading();
    this.soon = stopping.installTimers();
    traces.installTraces();
    this.#installApi();
    this.#installGuards();
    this.importing.enter(process.cwd());
  }

  // ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Load what the first cell needs, while there is time. */
  prepare() {
    if (this.#count === 0) read('cell-0', '0', { number: 0, known: this.#known, constants: this.#constants }, this.translate);
  }

  /** Run a cell, or keep it until the one before has been answered. */
  put(message) {
    if (this.#current || this.#waiting.length) this.#waiting.push(message);
    else this.#run(message);
  }

  /** Answer an interrupted cell, if it is still there. */
  settle(id) {
    if (this.#current?.id !== id) return;
    stopping.stop(this.#current);
    stopping.forgetScopes();
    this.loading.clear();
    this.#reply(this.#current, { status: 'abort' });
  }

  /** End what the cell is doing right now, or at once after it has loaded a module. Called in the middle of anything. */
  #interrupt(id) {
    const current = this.#current;
    if (current?.id !== id || current.replying) return;
    stopping.stop(current);
    this.loading.afterwards(stopping.terminate);
  }

  /** End whatever runs: of the cell, or with no id of anybody. */
  #terminate(id) {
    const current = this.#current;
    if (id === undefined || (current?.id === id && !current.replying)) stopping.terminate();
  }

  // ── a cell ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #run({ id, code, allow_stdin }) {
    const cell = { id, number: ++this.#count, stopped: false, begun: false, input: allow_stdin === true };
    cell.name = `cell-${cell.number}`;
    this.#current = cell;
    this.say({ type: 'begun', id });
    try {
      this.importing.enter(process.cwd());
    } catch {
      // A directory that is gone: what was found from it before still is.
    }
    try {
      this.#start(cell, code);
    } catch (error) {
      if (error instanceof Unreadable) this.#reply(cell, error.content);
      else this.#fail(cell, error);
    }
  }

  #start(cell, code) {
    const { script, made } = this.#read(cell, code);
    stopping.enter(cell);
    const value = script.runInThisContext({ displayErrors: false });
    if (!made) return this.#succeed(cell, value);
    if (!made.asynchronous) return this.#succeed(cell, cell.value);
    value.then(
      () => this.#succeed(cell, cell.value),
      (error) => this.#fail(cell, error),
    );
  }

  #read(cell, code) {
    const names = { number: cell.number, known: this.#known, constants: this.#constants };
    const { script, made, back, hidden } = read(cell.name, code, names, this.translate);
    traces.remember(cell.name, { back, hidden });
    cell.again = () => this.#start(cell, code);
    cell.made = made;
    return { script, made };
  }

  /** Take note of what a cell has declared; it has begun, so that it has. */
  #begun(number) {
    const cell = this.#current;
    if (cell?.number !== number) return;
    cell.begun = true;
    cell.made.fresh.forEach((name) => this.#known.add(name));
    this.#constants = cell.made.constants;
  }

  #fail(cell, error) {
    const redeclared = !cell.begun && cell.made && error instanceof SyntaxError && REDECLARED.exec(error.message);
    if (redeclared && !this.#known.has(redeclared[1])) {
      // Somebody else has declared it, as `eval` and `vm` can: it is there, and that is what is wanted.
      this.#known.add(redeclared[1]);
      try {
        return cell.again();
      } catch (another) {
        return this.#fail(cell, another);
      }
    }
    this.#finish(cell, () => traces.failed(error));
  }

  /** A promise as the value of a cell is waited for, as if `await` stood before it. */
  #succeed(cell, value) {
    if (!util.types.isPromise(value)) return this.#show(cell, value);
    value.then(
      (settled) => this.#show(cell, settled),
      (error) => this.#fail(cell, error),
    );
  }

  #show(cell, value) {
    if (value === undefined) return this.#finish(cell, () => ({ status: 'ok' }));
    bundle(value).then(
      (data) =>
        this.#finish(cell, () => {
          this.say({ type: 'execute_result', id: cell.id, content: { data, metadata: {} } });
          return { status: 'ok' };
        }),
      (error) => this.#fail(cell, error),
    );
  }

  #finish(cell, content) {
    // What the cell has left to be done at once belongs to it. A signal for the group may have ended what the cell
    // waited for: then the daemon's word about it is on its way.
    this.soon(() => {
      if (cell.signalled && !cell.late) {
        cell.late = true;
        setTimeout(() => this.#finish(cell, content), SIGNAL_MS);
      } else if (cell === this.#current) this.#reply(cell, content());
    });
  }

  #reply(cell, content) {
    if (cell !== this.#current) return;
    cell.replying = true;
    Atomics.add(this.bell, 1, 1);
    this.say({ type: 'reply', id: cell.id, content });
    this.#current = undefined;
    // Who waits stays in the list until it runs, so that nobody comes between.
    if (this.#waiting.length) this.soon(() => this.#run(this.#waiting.shift()));
  }

  // ── what rewritten cells call, and what they can ─────────────────────────────────────────────────────────────────

  #installApi() {
    const { importing } = this;
    const api = {
      begun: (number) => this.#begun(number),
      result: (number, ...values) => {
        if (this.#current?.number === number) this.#current.value = values.at(-1);
      },
      run: stopping.run,
      before: stopping.before,
      after: stopping.after,
      constant: () => {
        throw new TypeError('Assignment to constant variable.');
      },
      load: (name, options) => importing.load(name, options),
      import: (name, exports, attributes) => importing.import(name, exports, attributes),
      get meta() {
        return importing.meta;
      },
      interrupt: (id) => this.#interrupt(id),
      terminate: (id) => this.#terminate(id),
    };
    Object.defineProperty(globalThis, '__execd', { value: Object.freeze(api), enumerable: false });
    for (const [name, value] of Object.entries({ display: this.#display, prompt: this.#prompt })) {
      Object.defineProperty(globalThis, name, { value: value.bind(this), writable: true, configurable: true, enumerable: false });
    }
  }

  /** Show a value in the middle of a cell. */
  async #display(value) {
    const data = await bundle(value);
    this.say({ type: 'display_data', content: { data, metadata: {} } });
  }

  /** Ask the client for a line, as browsers do; null at the end of the input, or where nobody can be asked. */
  #prompt(message = '') {
    if (!this.#current?.input) return null;
    while (receiveMessageOnPort(this.answers));
    let heard = Atomics.load(this.bell, 0);
    this.say({ type: 'input_request', content: { prompt: String(message), password: false } });
    for (;;) {
      const answer = receiveMessageOnPort(this.answers);
      if (answer) return answer.message;
      Atomics.wait(this.bell, 0, heard);
      heard = Atomics.load(this.bell, 0);
    }
  }

  /** What callbacks throw is told on standard error, and a signal for the group is none for the worker. */
  #installGuards() {
    const tell = (error) => {
      if (!(error instanceof stopping.Interrupted)) process.stderr.write(`Uncaught ${util.inspect(error)}\n`);
    };
    process.on('uncaughtException', (error) => {
      if (process.listenerCount('uncaughtException') === 1) tell(error);
    });
    process.on('unhandledRejection', (error) => {
      if (process.listenerCount('unhandledRejection') === 1) tell(error);
    });
    process.on('SIGINT', () => {
      if (this.#current) this.#current.signalled = true;
    });
    process.argv.length = 1;
    process.execArgv.length = 0;
  }
}

module.exports = { Cells };
