"""Cells of JavaScript: what lasts, what is shown, and what they may be written like."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .nodes import Node, node

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def js(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    directory = tmp_path_factory.mktemp("node")
    package = directory / "node_modules" / "greeting"
    package.mkdir(parents=True)
    (package / "index.js").write_text("exports.greet = (name) => `hello ${name}`;")
    (directory / "own.mjs").write_text("export default 1; export const named = 2;")
    async with node(directory) as made:
        yield made


async def test_a_name_may_be_declared_again_as_anything_else(js: Node) -> None:
    kinds = ["let n = 1", "const n = 2", "var n = 3", "function n() { return 4 }", "class n {}", "let [n] = [5]"]
    for declaration in [*kinds, *reversed(kinds)]:
        assert (await js.run(declaration)).reply["status"] == "ok", declaration
        wanted = "'function'" if declaration.startswith(("function", "class")) else "'number'"
        assert (await js.run("typeof n")).result == wanted, declaration
    assert (await js.run("function n() { return 6 }\nn()")).result == "6"
    assert (await js.run("var n; typeof n")).result == "'function'"


async def test_functions_and_classes_are_seen_by_what_comes_before_and_after(js: Node) -> None:
    await js.run("const odd = (n) => n !== 0 && even(n - 1)")
    assert (await js.run("even(10)\nfunction even(n) { return n === 0 || odd(n - 1) }")).result == "true"
    await js.run("class Base { name() { return 'base' } }")
    derived = "class Derived extends Base { name() { return super.name() + '+' } }\nnew Derived().name()"
    assert (await js.run(derived)).result == "'base+'"
    await js.run("function odd() { return 'replaced' }")
    assert (await js.run("even(1)")).result == "'replaced'"


async def test_a_constant_stays_one_until_it_is_declared_otherwise(js: Node) -> None:
    await js.run("const fixed = 1")
    failed = await js.run("[1].forEach(() => {\n  fixed = 2\n})")
    assert (failed.reply["ename"], failed.reply["evalue"]) == ("TypeError", "Assignment to constant variable.")
    assert failed.places[0].startswith("2:")
    assert (await js.run("fixed++")).reply["ename"] == "TypeError"
    assert (await js.run("function inner(fixed) { fixed += 1; return fixed }\ninner(5) + fixed")).result == "7"
    assert (await js.run("let fixed = 3; fixed += 1")).result == "4"


async def test_await_and_import_may_stand_on_the_top_level(js: Node) -> None:
    assert (await js.run("const late = await new Promise((r) => setTimeout(r, 5, 'late')); late")).result == "'late'"
    assert (await js.run("late")).result == "'late'"
    mixed = (
        "import { greet } from 'greeting'\nimport one, { named as two } from './own.mjs'\n"
        "import * as path from 'node:path'\n[greet('you'), one, two, path.basename('/a/b')]"
    )
    assert (await js.run(mixed)).result == "[ 'hello you', 1, 2, 'b' ]"
    assert (await js.run("greet('me')")).result == "'hello me'"
    assert (await js.run("(await import('./own.mjs')).named + require('greeting').greet('').length")).result == "8"
    assert (await js.run("export const shared = 5\nexport default class Exported {}\nshared")).result == "5"
    assert (await js.run("for await (const n of [1, Promise.resolve(2)]) console.log(n)")).stdout == "1\n2\n"
    lacking = await js.run("\nimport { nothing } from 'fs'")
    assert lacking.reply["ename"] == "SyntaxError"
    assert lacking.places == ["2:1"]
    assert (await js.run("1\nawait import('not-there')")).places == ["2:7"]


async def test_a_promise_as_the_last_value_is_waited_for(js: Node) -> None:
    main = "async function main() { await null; console.log('done'); return 7 }\nmain();"
    ended = await js.run(main)
    assert (ended.stdout, ended.result) == ("done\n", "7")
    failed = await js.run("new Promise((_, no) => setTimeout(() => no(new RangeError('no')), 1))")
    assert failed.reply["ename"] == "RangeError"


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("6 * 7", "42"),
        ("6 * 7;", "42"),
        ("{ a: 1, b: [2] }", "{ a: 1, b: [ 2 ] }"),
        ("{}", "{}"),
        ("{ let hidden = 1; console.log(hidden) }", None),
        ("'é😀'", "'é😀'"),
        ("new Map([[1, 2]])", "Map(1) { 1 => 2 }"),
        ("null", "null"),
        ("undefined", None),
        ("", None),
        ("// nothing", None),
        ("let unused = 5", None),
        ("for (let i = 0; i < 3; i++) { i }", None),
        ("`a\nb`.length // three", "3"),
        ("#!/usr/bin/env node\n1", "1"),
        ("const o = 1\nconst [p] = [2]\nlet q\n(o + p)", "3"),
        ("if (true) var chosen = 1; else var chosen = 2\nchosen", "1"),
        ("for (var [k, v] of [[1, 2]]) {}\nk + v", "3"),
        ("[] instanceof Array && {} instanceof Object && new Error() instanceof Error", "true"),
        ("[typeof require, typeof module, typeof __dirname, require.main === module]", None),
        ("const fetch = 'mine'; fetch", "'mine'"),
        ("await (1, 2)", "2"),
    ],
)
async def test_a_cell_has_the_value_of_its_last_expression(js: Node, code: str, result: str | None) -> None:
    ended = await js.run(code)
    assert ended.reply["status"] == "ok"
    if code.startswith("[typeof"):
        assert ended.data["application/json"] == ["function", "object", "string", True]
    else:
        assert ended.result == result


async def test_a_value_is_shown_as_json_where_that_says_all_of_it(js: Node) -> None:
    plain = await js.run("({ n: 1, list: ['é', null, { deep: { er: true } }] })")
    assert plain.data["application/json"] == {"n": 1, "list": ["é", None, {"deep": {"er": True}}]}
    for code in ("({ f() {} })", "[new Date(0)]", "[NaN]", "const own = {}; own.own = own; own", "[undefined]"):
        assert "application/json" not in (await js.run(code)).data, code
    rich = await js.run("({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>1</b>' }) })")
    assert rich.data == {"text/html": "<b>1</b>"}


async def test_errors_say_where_in_the_cell(js: Node) -> None:
    code = (
        "const fine = 1\nfunction fail(é) {\n  throw new TypeError('bad ' + é)\n}\n"
        "await (async () => { await null; fail('ü') })()"
    )
    failed = (await js.run(code)).reply
    assert (failed["ename"], failed["evalue"]) == ("TypeError", "bad ü")
    assert [line.partition(":")[2] for line in failed["traceback"][1:]] == ["3:9)", "5:34", "5:1"]
    assert not any("node:" in line or "resources" in line for line in failed["traceback"])
    assert (await js.run("\n  nowhere.found()")).places == ["2:3"]
    assert (await js.run("throw 'text'")).reply["evalue"] == "text"
    assert (await js.run("throw new (class Own extends Error {})('m')")).reply["ename"] == "Own"


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("let a = 1;\nlet = = 2", "2:7"),
        ("console.log('ran'\n", "1:13"),
        ("await f(; 1", "1:9"),
        ("return 1", "1:1"),
        ("let d; let d", "1:12"),
        ("`open", "1:2"),
    ],
)
async def test_nothing_runs_of_a_cell_that_cannot_be_read(js: Node, code: str, place: str) -> None:
    failed = await js.run(f"{code}")
    assert failed.reply["ename"] == "SyntaxError"
    assert failed.stdout == ""
    assert failed.reply["traceback"][0].partition(":")[2] == place


async def test_callbacks_that_fail_are_told_and_end_nothing(js: Node) -> None:
    code = (
        "setTimeout(() => { throw new Error('thrown late') }, 1); Promise.reject(new Error('left alone'));"
        "await new Promise((r) => setTimeout(r, 30)); 'alive'"
    )
    ended = await js.run(code)
    assert ended.result == "'alive'"
    assert "Uncaught Error: thrown late" in ended.stderr
    assert "Uncaught Error: left alone" in ended.stderr


async def test_output_is_whole_and_before_the_reply(js: Node) -> None:
    ended = await js.run("for (let i = 0; i < 100_000; i++) console.log(i)")
    assert ended.stdout == "".join(f"{n}\n" for n in range(100_000))
    ended = await js.run("process.stdout.write('é'.repeat(2e6)); console.error('%s apart', 'é')")
    assert len(ended.stdout) == 2_000_000
    assert ended.stderr == "é apart\n"
    child = "require('child_process').spawnSync('echo', ['child'], { stdio: 'inherit' }); console.log('parent')"
    assert (await js.run(child)).stdout == "child\nparent\n"


async def test_variables_of_a_run_are_given_back(js: Node) -> None:
    js.kernel.lend_envs({"LENT": "for a run", "NEW": "1"})
    assert (await js.run("[process.env.LENT, process.env.NEW]")).result == "[ 'for a run', '1' ]"
    js.kernel.return_envs()
    assert (await js.run("[process.env.LENT, process.env.NEW]")).result == "[ 'before', undefined ]"


async def test_a_line_is_asked_for(js: Node) -> None:
    name = js.start("const said = prompt('who?'); said", allow_stdin=True)
    await js.ear.until(lambda: any(each.type == "input_request" and each.parent == name for each in js.ear.messages))
    js.kernel.answer("é")
    assert (await js.end(name)).result == "'é'"
    assert (await js.run("prompt('nobody')")).result == "null"


async def test_children_inherit_neither_of_the_pipes(js: Node) -> None:
    listed = "require('child_process').execSync('ls /proc/self/fd', { encoding: 'utf8' }).trim().split('\\n').length"
    assert int((await js.run(listed)).result or 99) <= 4
