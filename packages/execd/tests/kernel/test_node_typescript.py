"""Cells of TypeScript, on a package that is installed as a user does it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from execd.kernel.specs import TYPESCRIPT_PACKAGE

from .nodes import Node, node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    kernels = tmp_path_factory.mktemp("kernels")
    install = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "execd", "kernels", "install", "typescript"),
        env={**os.environ, "EXECD_KERNELS_DIR": str(kernels)},
    )
    assert await install.wait() == 0
    (package,) = kernels.glob(f"typescript-{TYPESCRIPT_PACKAGE}-node-*")
    async with node(tmp_path_factory.mktemp("node"), str(package)) as made:
        yield made


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("const n: number = 2 + 2\nn", "4"),
        ("interface Named { name: string }\nconst named: Named = { name: 'é' }; named.name", "'é'"),
        ("function first<T>(list: readonly T[]): T | undefined { return list[0] }\nfirst<number>([3])", "3"),
        ("enum Colour { Red, Green = 5 }\nColour.Green", "5"),
        ("enum Colour { Blue = 9 }\nColour", "{ '9': 'Blue', Blue: 9 }"),
        ("namespace Space { export const x = 1 }\nSpace.x", "1"),
        (
            (
                "class Point { constructor(private readonly x: number) {} twice(): number { return this.x * 2 } }\n"
                "new Point(2).twice()"
            ),
            "4",
        ),
        (
            (
                "const loud = (f: any, _: ClassMethodDecoratorContext) => () => f() + '!'\n"
                "class Dog { @loud bark() { return 'wau' } }\nnew Dog().bark()"
            ),
            "'wau!'",
        ),
        (
            (
                "import type { Stats } from 'fs'\nimport { existsSync, type PathLike } from 'fs'\n"
                "existsSync('/' as PathLike)"
            ),
            "true",
        ),
        ("import os = require('os'); typeof os.EOL", "'string'"),
        ("const later = await Promise.resolve<string>('x'); later!", "'x'"),
        ("type Alias = string", None),
        ("declare const nothing: string", None),
        ("const wrong: number = 'types are not checked'; wrong", "'types are not checked'"),
        ("{ a: 1 as number }", "{ a: 1 }"),
        (
            (
                "abstract class Shape { abstract area(): number }\n"
                "class Square extends Shape { area() { return 4 } }\nnew Square().area()"
            ),
            "4",
        ),
    ],
)
async def test_types_are_taken_away_and_the_rest_runs(ts: Node, code: str, result: str | None) -> None:
    ended = await ts.run(code)
    assert ended.reply["status"] == "ok", ended.reply
    assert ended.result == result


async def test_errors_say_where_in_what_the_user_wrote(ts: Node) -> None:
    code = (
        "interface Long {\n  a: string\n}\n\nfunction fail(what: Long): never {\n  throw new RangeError(what.a)\n}\n"
        "fail({ a: 'ü' })"
    )
    failed = await ts.run(code)
    assert (failed.reply["ename"], failed.reply["evalue"]) == ("RangeError", "ü")
    assert failed.places == ["6:9", "8:1"]
    unread = await ts.run("console.log('ran')\nlet z: number = ;")
    assert (unread.reply["ename"], unread.stdout) == ("SyntaxError", "")
    assert unread.reply["traceback"][0].partition(":")[2] == "2:17"


async def test_a_loop_is_interrupted_and_state_kept(ts: Node) -> None:
    await ts.run("let kept: number = 1")
    assert (await ts.interrupted("console.log('begun'); for (;;);")).reply["status"] == "abort"
    assert (await ts.run("kept + 1")).result == "2"


async def test_files_of_typescript_are_imported(ts: Node) -> None:
    text = "export const n: number = 2; export default class K { m(): number { return n } }"
    await ts.run(f"require('fs').writeFileSync('own.ts', '{text}')")
    assert (await ts.run("import K, { n } from './own'\nn + new K().m()")).result == "4"
