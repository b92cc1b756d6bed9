// Modules for cells: `require`, `import` and `import.meta` as in a file of the directory that the context is in.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { here, locate } = require('./traces.js');

const FILE = 'cell.js';

/** Return what stands for an import declaration, `{names, code}`: the code is put where `await` may be. */
function declaration(node, api) {
  const wanted = {};
  for (const each of node.specifiers) {
    const name = each.type === 'ImportDefaultSpecifier' ? 'default' : (each.imported?.name ?? each.imported?.value ?? '*');
    wanted[each.local.name] = name;
  }
  const names = Object.keys(wanted);
  const options = {};
  for (const each of node.attributes ?? []) options[each.key.name ?? each.key.value] = each.value.value;
  const asked = [node.source.value, Object.values(wanted), options].map((each) => JSON.stringify(each));
  return { names, code: `[${names.join(', ')}] = await ${api}.import(${asked.join(', ')});` };
}

/** Modules as seen from a directory. */
class Importing {
  /** `lenient`: a name that a module does not have may be that of a type. */
  constructor({ lenient }) {
    this.lenient = lenient;
    this.meta = {};
  }

  /** Look for modules from the working directory on, from now on. */
  enter(directory) {
    if (directory === this.directory) return;
    this.directory = directory;
    const file = path.join(directory, FILE);
    const module = new Module(file);
    module.filename = file;
    module.paths = Module._nodeModulePaths(directory);
    process.mainModule = module;
    module._compile('module.exports = [require, (name, options) => import(name, options)];', file);
    const [require_, load] = module.exports;
    module.exports = {};
    this.module = module;
    this.native = load;
    process.argv[1] = file;
    const url = pathToFileURL(file).href;
    const resolve = (name) => (Module.isBuiltin?.(name) ? name : pathToFileURL(require_.resolve(name)).href);
    this.meta = { url, filename: file, dirname: directory, resolve };
    const values = { require: require_, module, exports: module.exports, __filename: file, __dirname: directory };
    for (const [name, value] of Object.entries(values)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  }

  /** `import(name, options)` of a cell. */
  load(name, options) {
    const frames = here();
    const own = this.lenient && this.#typescript(String(name));
    if (own) return new Promise((done) => done(this.module.require(own)));
    return (options === undefined ? this.native(name) : this.native(name, options)).catch((error) => {
      throw locate(error, frames);
    });
  }

  /** Return the path of the file of TypeScript that is meant, if one is. */
  #typescript(name) {
    if (!/^\.{0,2}\//.test(name)) return undefined;
    const whole = path.resolve(this.directory, name);
    const candidates = [whole, `${whole}.ts`, whole.replace(/\.js$/, '.ts'), path.join(whole, 'index.ts')];
    return candidates.find((file) => file.endsWith('.ts') && fs.existsSync(file));
  }

  /** Return the values of exports, in the order of their names; throws `SyntaxError` where one is missing. */
  async import(name, exports, attributes) {
    const frames = here();
    const options = Object.keys(attributes).length ? { with: attributes, assert: attributes } : undefined;
    const module = await this.load(name, options);
    const values = [];
    for (const each of exports) values.push(this.#pick(module, each, name, frames));
    return values;
  }

  #pick(module, wanted, name, frames) {
    if (wanted === '*') return module;
    if (wanted in module) return module[wanted];
    const whole = module.default;
    // A CommonJS module whose exports could not be foreseen.
    if (whole !== null && whole !== undefined && wanted in Object(whole)) return whole[wanted];
    if (this.lenient) return undefined;
    throw locate(new SyntaxError(`The requested module '${name}' does not provide an export named '${wanted}'`), frames);
  }
}

/** Loading that is under way: a module that is left in the middle of it is broken for good. */
class Loading {
  #depth = 0;
  #done;

  constructor() {
    const load = Module._load;
    const loading = this;
    Module._load = function (...values) {
      loading.#depth += 1;
      try {
        return Reflect.apply(load, this, values);
      } finally {
        loading.#depth -= 1;
        if (loading.#depth === 0) loading.#end();
      }
    };
  }

  #end() {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /** Call something when nothing is being loaded, be that at once. */
  afterwards(done) {
    this.#done = done;
    if (this.#depth === 0) this.#end();
  }

  /** Forget what was left in the middle; the stack is empty. */
  clear() {
    this.#depth = 0;
    this.#done = undefined;
    for (const [name, module] of Object.entries(Module._cache)) {
      if (!module.loaded && module !== process.mainModule) delete Module._cache[name];
    }
  }
}

module.exports = { declaration, Importing, Loading };
