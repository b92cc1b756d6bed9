"""JavaScript and TypeScript on Node."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from execd_conformance.languages.shape import Bare, Failure, Language

_DEAF: Final = "trap '' INT; echo begun; while :; do sleep 1; done"
"""Nothing ends a program in Node that waits for another one without its loop, but the end of that one."""


def _text(text: str) -> str:
    return f"console.log({json.dumps(text)})"


JAVASCRIPT: Final = Language(
    name="javascript",
    bare=Bare(kernel="ijavascript 5.2.1", start_ms=124, warm_ms=2.0),
    says=_text,
    warns=lambda text: f"console.error({json.dumps(text)})",
    keeps=lambda text: f"let kept = {json.dumps(text)}",
    tells="console.log(kept)",
    directory="console.log(process.cwd())",
    variable=lambda name: f"console.log(process.env[{json.dumps(name)}] ?? '')",
    value=("6 * 7", "42"),
    library=(
        (
            "const path = require('path')\nconst { createHash } = require('crypto')\n"
            "console.log(path.basename('/a/b.txt'), createHash('md5').update('a').digest('hex').slice(0, 6))"
        ),
        "b.txt 0cc175\n",
    ),
    defines=(
        "function twice(n) { return 2 * n }\nclass Pair { constructor(left) { this.left = left } }",
        "class Both extends Pair { sum() { return this.left + twice(this.left) } }",
    ),
    uses=("console.log(new Both(5).sum())", "15\n"),
    redefines=("function twice(n) { return 20 * n }", "105\n"),
    fails=("throw new RangeError('no')", "RangeError"),
    raises=Failure(code="let ok = 'ok'\nnull.nothing", name="TypeError", says="nothing", line=2),
    unreadable=Failure(code="console.log('ran')\nlet x = = 1", name="SyntaxError", says="Unexpected token", line=2),
    no_code="function (",
    spins="while (true);",
    sleeps=lambda seconds: f"await new Promise((done) => setTimeout(done, {seconds * 1000}))",
    ticks="while (true) { console.log('tick'); await new Promise((done) => setTimeout(done, 50)) }",
    stubborn=f'require("child_process").spawnSync("sh", ["-c", {json.dumps(_DEAF)}], {{ stdio: "inherit" }})',
    dies=("process.kill(process.pid, 'SIGKILL'); while (true);", "process.exit(3)"),
    stops="process.kill(process.pid, 'SIGSTOP'); while (true);",
    counts=lambda number: f"for (let each = 0; each < {number}; each++) console.log(each)",
    any_text=_text,
    weighs="console.log(require('fs').readFileSync('/proc/self/status', 'utf8'))",
)

TYPESCRIPT: Final = replace(
    JAVASCRIPT,
    name="typescript",
    bare=Bare(kernel="tslab 1.0.22", start_ms=1400, warm_ms=5.8),
    keeps=lambda text: f"let kept: string = {json.dumps(text)}",
    library=(
        (
            "import * as path from 'path'\nimport { createHash } from 'crypto'\n"
            "const parts: Array<string> = [path.basename('/a/b.txt'), createHash('md5').update('a').digest('hex')]\n"
            "console.log(...parts.map((each: string): string => each.slice(0, 6)))"
        ),
        "b.txt 0cc175\n",
    ),
    defines=(
        (
            "interface Left { left: number }\ntype Count = number\nenum Times { Two = 2 }\n"
            "function twice(n: Count): Count { return Times.Two * n }\n"
            "class Pair<T> implements Left { constructor(public left: number, readonly other?: T) {} }"
        ),
        "class Both extends Pair<string> { sum(): Count { return this.left + twice(this.left) } }",
    ),
    uses=("const both: Both = new Both(5)\nconsole.log(both.sum() as number)", "15\n"),
    redefines=("function twice(n: number): number { return 20 * n }", "105\n"),
    raises=Failure(
        code="let ok: string = 'ok'\nthrow new TypeError('odd ä' as string)", name="TypeError", says="odd ä", line=2
    ),
    unreadable=Failure(
        code="console.log('ran')\nlet x: number = = 1", name="SyntaxError", says="Expression expected", line=2
    ),
    no_code="const x: number = ;",
)
