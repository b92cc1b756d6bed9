// Loaded into tslab before it starts. tslab sends a message for each write and drops what its socket does not take at
// once: after some five hundred writes in one turn of the event loop even the message that ends the cell. Here writes
// are gathered, and sent while the cell runs, ever more rarely the more there have been.
"use strict";

const Module = require("node:module");

const PAUSE_MS = 10;
const MESSAGES = 400; // well below what is lost

class Gathered {
  constructor(write) {
    this.write = write;
    this.parts = [];
    this.sent = 0;
    this.last = 0;
    this.timer = null;
  }

  add(stream, text) {
    const open = this.parts.at(-1);
    if (open !== undefined && open.stream === stream) open.text += text;
    // Late in a turn the two streams are told apart, and not in which order they came.
    else if (this.parts.length > 1 && this.sent > MESSAGES / 4) this.parts.find((part) => part.stream === stream).text += text;
    else this.parts.push({ stream, text });
    if (Date.now() - this.last > PAUSE_MS * (1 + this.sent / 10)) this.flush();
    else this.timer ??= setTimeout(() => this.flush((this.sent = 0)), PAUSE_MS);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    this.last = Date.now();
    for (const { stream, text } of this.parts.splice(0)) {
      this.sent += 1;
      this.write(stream, text);
    }
  }
}

function gathering(execute) {
  return async function (request, write, display) {
    const gathered = new Gathered(write);
    const show = (...shown) => {
      gathered.flush();
      display(...shown);
    };
    try {
      return await execute.call(this, request, (stream, text) => gathered.add(stream, text), show);
    } finally {
      gathered.flush();
    }
  };
}

const load = Module._load;
Module._load = function (...asked) {
  const loaded = load.apply(this, asked);
  const own = loaded?.JupyterHandlerImpl?.prototype;
  if (own?.handleExecuteImpl !== undefined && !own.gathers) {
    own.handleExecuteImpl = gathering(own.handleExecuteImpl);
    own.gathers = true;
  }
  return loaded;
};
