// Turns a cell into a script that can follow any other one.
//
// A script may not declare a `const`, a class or a function whose name an earlier one used otherwise, and it knows
// neither `await` nor `import` on its top level. So all that a cell declares there becomes assignments to variables,
// `let` in front of the first script that has them; functions move to the front, where they were as good as before.
'use strict';

const { children, bound, declared, isFunction } = require('./syntax.js');
const { Pieced } = require('./positions.js');
const modules = require('./importing.js');

const API = '__execd';
const RUN = '__run';
const NOTE = `const ${RUN} = ${API}.run();`;
const SILENT = /^(FunctionDeclaration|EmptyStatement|Export(Named|All)Declaration)$/;

const HANDLED = new Set([
  ...['VariableDeclaration', 'ForStatement', 'ForInStatement', 'ForOfStatement', 'CatchClause'],
  ...['AwaitExpression', 'ImportExpression', 'MetaProperty', 'AssignmentExpression', 'UpdateExpression'],
]);

class Rewriting {
  constructor(text, tree, { number, known, constants }) {
    Object.assign(this, { text, tree, number, known });
    this.constants = new Set(constants);
    this.edits = [];
    this.moved = [];
    this.imports = [];
    this.names = new Set(); // all that the cell declares
    this.hoisted = new Set(); // of these, those that keep a value they have
    this.shadowed = [];
    this.asynchronous = false;
    this.depth = 0; // of functions
    this.run = RUN; // what the run is called where we are
  }

  add(at, text) {
    this.edits.push({ at, drop: 0, text });
  }

  replace(from, to, text) {
    this.edits.push({ at: from, drop: to - from, text });
  }

  rewrite() {
    const { body } = this.tree;
    if (this.text.startsWith('#!')) this.replace(0, 2, '//');
    for (const node of body) this.foresee(node.declaration ?? node);
    // Functions have moved, and what is nothing has no value.
    const last = body.findLast((node) => !SILENT.test((node.declaration ?? node).type));
    body.forEach((node) => this.top(node, node === last));
    return this;
  }

  /** Learn the constants of a cell before what assigns to them. */
  foresee(node) {
    const names = node.type === 'VariableDeclaration' ? node.declarations.flatMap((each) => bound(each.id)) : [];
    for (const name of names) {
      if (node.kind === 'const') this.constants.add(name);
      else this.constants.delete(name);
    }
    if (node.id) this.constants.delete(node.id.name);
  }

  // ── statements of the top level ────────────────────────────────────────────────────────────────────────────────────

  top(node, isLast) {
    if (node.type === 'ImportDeclaration') this.import(node);
    else if (/^Export/.test(node.type)) this.export(node, isLast);
    else if (node.type === 'FunctionDeclaration') this.move(node, node.id.name, node.start);
    else if (node.type === 'ClassDeclaration') this.classDeclaration(node, node.id.name);
    else if (isLast && node.type === 'ExpressionStatement') this.result(node, node.start);
    else this.visit(node, true);
  }

  result(node, from) {
    const end = this.text[node.end - 1] === ';' ? node.end - 1 : node.end;
    this.add(from, `${API}.result(${this.number},`);
    this.visit(node.expression ?? node);
    this.add(end, ')');
  }

  move(node, name, from) {
    this.names.add(name);
    this.moved.push({ start: node.start, end: node.end, name, first: this.edits.length });
    const outside = this.edits;
    this.edits = [];
    if (node.id) this.replace(node.id.start, node.id.end, '');
    this.visit(node);
    this.moved.at(-1).edits = this.edits;
    this.edits = outside;
    this.replace(from, node.end, ';');
  }

  classDeclaration(node, name) {
    this.names.add(name);
    this.add(node.start, `;${name} = `);
    children(node).forEach((each) => this.visit(each));
    this.add(node.end, ';');
  }

  import(node) {
    this.asynchronous = true;
    const { names, code } = modules.declaration(node, API);
    names.forEach((name) => this.names.add(name));
    this.imports.push({ text: code, from: node.start });
    this.replace(node.start, node.end, ';');
  }

  export(node, isLast) {
    const { declaration } = node;
    if (node.source) {
      this.import({ ...node, specifiers: [] });
    } else if (!declaration) {
      this.replace(node.start, node.end, ';');
    } else if (/^(Function|Class)Declaration$/.test(declaration.type) && !declaration.id) {
      this.replace(node.start, declaration.start, ';(');
      this.visit(declaration);
      this.add(node.end, ');');
    } else if (declaration.type === 'FunctionDeclaration') {
      this.move(declaration, declaration.id.name, node.start);
    } else {
      this.replace(node.start, declaration.start, '');
      if (node.type === 'ExportNamedDeclaration' || declaration.type === 'ClassDeclaration') this.top(declaration, isLast);
      else if (isLast) this.result({ type: 'Value', expression: declaration, end: node.end }, declaration.start);
      else this.visit(declaration);
    }
  }

  // ── everything below ───────────────────────────────────────────────────────────────────────────────────────────────

  visit(node, listed = false) {
    const inside = isFunction(node);
    // Of the top level's own names only functions and blocks can hide one.
    const hides = this.constants.size > 0 && (inside || /^(Block|For|Switch|Try|Class)/.test(node.type));
    if (hides) this.shadowed.push(new Set(declared(node)));
    if (inside) this.function(node);
    else if (HANDLED.has(node.type)) this[node.type](node, listed);
    else this.below(node);
    if (hides) this.shadowed.pop();
  }

  function(node) {
    const outer = this.run;
    if (this.depth === 0) this.run = 'void 0'; // it may outlive the run
    this.depth += 1;
    if (node.async && node.body.type === 'BlockStatement') {
      this.run = RUN;
      const first = node.body.body.find((each) => !each.directive);
      this.add(first?.start ?? node.body.end - 1, NOTE);
    } else if (node.async) {
      this.run = 'void 0'; // one expression: no loop is in it
    }
    this.below(node);
    this.depth -= 1;
    this.run = outer;
  }

  below(node) {
    const lists = node.type === 'BlockStatement' || node.type === 'SwitchCase' || node.type === 'StaticBlock';
    for (const each of children(node)) this.visit(each, lists);
  }

  VariableDeclaration(node, listed) {
    const own = this.depth === 0 && (node.kind === 'var' || this.tree.body.some((each) => (each.declaration ?? each) === node));
    if (own && /^(var|let|const)$/.test(node.kind)) this.assign(node, { listed, statement: true });
    else this.below(node);
  }

  assign(node, { listed, statement }) {
    this.declare(node);
    const [first] = node.declarations;
    this.replace(node.start, first.start, statement ? `${listed ? ';' : ''}(` : '');
    for (const each of node.declarations) {
      this.below(each);
      if (statement && node.kind !== 'var' && !each.init) this.add(each.end, ' = void 0');
    }
    if (statement) this.add(node.declarations.at(-1).end, this.text[node.end - 1] === ';' ? ')' : ');');
  }

  declare(node) {
    for (const name of node.declarations.flatMap((each) => bound(each.id))) {
      if (node.kind === 'var' && !this.names.has(name)) this.hoisted.add(name);
      this.names.add(name);
      if (node.kind !== 'var') this.hoisted.delete(name);
    }
  }

  heads(node, head) {
    for (const each of children(node)) {
      if (each === head && each.type === 'VariableDeclaration' && each.kind === 'var' && this.depth === 0) {
        this.assign(each, { listed: false, statement: false });
      } else this.visit(each);
    }
  }

  ForStatement(node) {
    this.heads(node, node.init);
  }

  ForInStatement(node) {
    this.heads(node, node.left);
  }

  ForOfStatement(node) {
    if (node.await) {
      this.asynchronous ||= this.depth === 0;
      this.add(node.body.start, `{${API}.after(${this.run});`);
    }
    this.heads(node, node.left);
    if (node.await) this.add(node.end, '}');
  }

  AwaitExpression(node) {
    this.asynchronous ||= this.depth === 0;
    this.add(node.start, `${API}.after(${this.run},`);
    this.add(node.start + 'await'.length, ` ${API}.before(${this.run},`);
    this.below(node);
    this.add(node.end, '))');
  }

  CatchClause(node) {
    const within = this.depth === 0 ? this.asynchronous : this.run === RUN;
    if (within) this.add(node.body.start + 1, `${API}.after(${this.run});`);
    this.below(node);
  }

  ImportExpression(node) {
    this.replace(node.start, node.start + 'import'.length, `${API}.load`);
    this.below(node);
  }

  MetaProperty(node) {
    if (node.meta.name === 'import') this.replace(node.start, node.end, `${API}.meta`);
  }

  AssignmentExpression(node) {
    if (!this.isConstant(node.left)) return this.below(node);
    const at = this.text.indexOf(node.operator, node.left.end) + node.operator.length;
    this.add(at, ` ${API}.constant(`);
    this.visit(node.right);
    this.add(node.end, ')');
  }

  UpdateExpression(node) {
    if (!this.isConstant(node.argument)) return this.below(node);
    this.replace(node.start, node.end, `${API}.constant()`);
  }

  isConstant(target) {
    const { type, name } = target;
    return type === 'Identifier' && this.constants.has(name) && !this.shadowed.some((names) => names.has(name));
  }

  // ── the text ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Return the names that have to be declared: those that no script had, and none that cannot be. */
  fresh() {
    const wanted = [...this.names].filter((name) => !this.known.has(name));
    return wanted.filter((name) => {
      const there = Object.getOwnPropertyDescriptor(globalThis, name);
      return !there || (there.configurable && !this.hoisted.has(name));
    });
  }

  pieces(fresh, fixed) {
    const list = [{ text: `${fixed}${fresh.length ? `let ${fresh.join(', ')};` : ''}${API}.begun(${this.number});`, from: null }];
    const strict = this.tree.body.some((node) => node.directive === 'use strict');
    if (strict) list.unshift({ text: '"use strict";', from: null });
    if (this.asynchronous) list.push({ text: `(async () => {${NOTE}`, from: null });
    for (const each of this.moved) {
      list.push({ text: `${each.name} = `, from: null }, ...this.render(each.start, each.end, each.edits), { text: ';', from: null });
    }
    for (const each of this.imports) list.push({ text: '', from: each.from }, { text: each.text, from: null });
    list.push({ text: '', from: 0 }, ...this.render(0, this.text.length, this.edits));
    if (this.asynchronous) list.push({ text: '\n})()', from: null });
    return list;
  }

  render(start, end, edits) {
    const list = [];
    let at = start;
    const sorted = edits.map((edit, index) => ({ ...edit, index })).sort((a, b) => a.at - b.at || a.index - b.index);
    for (const edit of sorted) {
      if (edit.at > at) list.push({ text: this.text.slice(at, edit.at), from: at });
      if (edit.text) list.push({ text: edit.text, from: null });
      at = Math.max(at, edit.at + edit.drop);
    }
    if (end > at) list.push({ text: this.text.slice(at, end), from: at });
    return list;
  }
}

/** Return the rewritten cell: `{pieced, names, fresh, constants, asynchronous}`. */
function rewrite(text, tree, { number, known, constants, original, shift, fixed = '' }) {
  const made = new Rewriting(text, tree, { number, known, constants }).rewrite();
  const fresh = made.fresh();
  const pieced = new Pieced(made.pieces(fresh, fixed), original, shift);
  return { pieced, fresh, constants: made.constants, asynchronous: made.asynchronous };
}

module.exports = { rewrite };
