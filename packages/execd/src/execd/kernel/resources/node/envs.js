// Variables of one run: lent before a cell, and put back as they were.
'use strict';

class Envs {
  #before = [];

  /** Set variables until `giveBack`. */
  lend(values) {
    const before = new Map();
    for (const [name, value] of Object.entries(values)) {
      before.set(name, process.env[name]);
      process.env[name] = value;
    }
    this.#before.push(before);
  }

  /** Give what was lent last its former value; what was absent is absent again. */
  giveBack() {
    for (const [name, value] of this.#before.pop() ?? []) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

module.exports = { Envs };
