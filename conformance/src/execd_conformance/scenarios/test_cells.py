"""One cell and the next: what each tells, in which order, and what stays of it."""

from __future__ import annotations

import shlex

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, are_gone, counted, lawful, numbered
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, context, order, rest, says, started, value


@scenario(
    "code",
    *EVERY,
    "cell.sequence",
    "cell.stdout",
    "cell.stderr",
    "cell.value",
    "cell.value-text",
    "cell.no-value",
    "cell.state",
    "cell.count",
    "code.context-by-id",
    "event.execution-count",
    "event.complete-time",
    profiles=["compat"],
)
async def test_cells_tell_what_they_do(checks: Checks, raw: Raw) -> None:
    """Cells of one context: output, a value, none; state and count go on from one to the next."""
    async with context(raw) as one:
        first = await cell(raw, "import sys\nx = 6\nprint('out')\nprint('err', file=sys.stderr)\nx * 7", one)
        lawful(checks, first.events)
        types = first.types
        checks.that("cell.sequence", types[0] == "init" and types[-1] == "execution_complete", types)
        checks.that(
            "cell.sequence",
            set(types) == {"init", "execution_count", "stdout", "stderr", "result", "execution_complete"},
            types,
        )
        checks.that("cell.sequence", types.index("stdout") < types.index("stderr") < types.index("result"), types)
        checks.equal("cell.stdout", first.stdout, "out\n")
        checks.equal("cell.stderr", first.stderr, "err\n")
        checks.that("cell.value", [event["results"].get("text/plain") for event in first.shown] == ["42"], first)
        checks.that("cell.value-text", [event["results"].get("text") for event in first.shown] == ["42"], first)
        checks.that("event.complete-time", isinstance(first.end.get("execution_time"), int), first.end.raw)
        counts = [first.count]
        for code in ("def double(n): return 2 * n", "import math\nimport os; os.chdir('/')", "y = double(x)"):
            ran = await cell(raw, code, one)
            lawful(checks, ran.events)
            checks.equal("cell.no-value", (ran.shown, ran.stdout, ran.completed), ([], "", True))
            counts.append(ran.count)
        last = await cell(raw, "f'{x} {y} {double(4)} {math.floor(2.5)} {os.getcwd()}'", one)
        checks.equal("cell.state", last.value, "'6 12 8 2 /'")
        checks.equal("code.context-by-id", last.value, "'6 12 8 2 /'")
        for requirement in ("cell.count", "event.execution-count"):
            checks.equal(requirement, [*counts, last.count], [1, 2, 3, 4, 5])


@scenario(
    "code",
    *NUMBERED,
    *COUNTED,
    "cell.completed",
    "cell.counts",
    "end.completed",
    "end.counts-of-cells",
    "end.state-lost",
    "cell.sequence",
    features=["replay"],
)
async def test_the_end_of_a_cell_adds_up(checks: Checks, raw: Raw) -> None:
    """The fields of a good end, and the order of everything before it."""
    async with context(raw) as one:
        ran = await cell(raw, "import sys, time\nprint('blé €')\nprint('𝄞', file=sys.stderr)\ntime.sleep(0.3)\n1", one)
        numbered(checks, ran.events)
        stdout, stderr = "blé €\n".encode(), "𝄞\n".encode()
        counted(checks, ran.events, stdout=stdout, stderr=stderr, cause="completed")
        for requirement in ("cell.counts", "end.counts-of-cells"):
            seen = (ran.end.get("stdout_bytes"), ran.end.get("stderr_bytes"))
            checks.equal(requirement, seen, (len(stdout), len(stderr)))
        for requirement in ("cell.completed", "end.completed"):
            checks.that(requirement, ran.completed and ran.cause == ("completed", None), ran.end.raw)
        checks.that("cell.completed", 300 <= ran.end.get("execution_time", 0) < 20_000, ran.end.raw)
        checks.that("end.state-lost", ran.end.get("state_lost") is False, ran.end.raw)
        checks.equal("cell.sequence", ran.types[:2], ["init", "execution_count"])


@scenario(
    "code",
    "cell.exception",
    "cell.exception-output",
    "cell.exception-state",
    "cell.exception-traceback",
    "cell.syntax-error",
    "cell.count",
    "event.error-shape",
    "stream.terminal-once",
    profiles=["compat"],
)
async def test_an_exception_is_the_end_of_its_cell_alone(checks: Checks, raw: Raw) -> None:
    """Code that raises, and code that is none."""
    async with context(raw) as one:
        ran = await cell(raw, "x = 1\nprint('before')\ndef f(): return x / 0\nf()\nprint('after')", one)
        error = ran.error
        checks.equal(
            "cell.exception", (error.get("ename"), error.get("evalue")), ("ZeroDivisionError", "division by zero")
        )
        checks.that("cell.exception", "execution_complete" not in ran.types, ran.types)
        checks.equal(
            "stream.terminal-once", [kind for kind in ran.types if kind in {"error", "execution_complete"}], ["error"]
        )
        lines = error.get("traceback")
        checks.that(
            "event.error-shape",
            isinstance(lines, list) and lines and all(isinstance(line, str) for line in lines),
            error,
        )
        checks.that("cell.exception-traceback", "ZeroDivisionError" in str(lines) and "line" in str(lines), lines)
        checks.equal("cell.exception-output", (ran.stdout, ran.types[-1]), ("before\n", "error"))
        wrong = await cell(raw, "print('ran')\nx = = 2", one)
        checks.equal("cell.syntax-error", (wrong.error.get("ename"), wrong.stdout), ("SyntaxError", ""))
        own = await cell(raw, "class Odd(Exception): pass\nraise Odd('a\\nb', 3)", one)
        checks.equal("cell.exception", (own.error.get("ename"), own.error.get("evalue")), ("Odd", "('a\\nb', 3)"))
        last = await cell(raw, "x", one)
        checks.equal("cell.exception-state", last.value, "1")
        checks.equal(
            "cell.count", [ran.count, own.count - ran.count if isinstance(own.count, int) else own.count], [1, 2]
        )


@scenario(
    "code",
    *COUNTED,
    "cell.exception-fields",
    "end.raised",
    "end.state-lost",
    "cell.system-exit",
    "cell.await",
    "cell.syntax-error",
)
async def test_ends_of_cells_that_raise(checks: Checks, raw: Raw) -> None:
    """The fields of an end by exception; SystemExit; code that awaits."""
    async with context(raw) as one:
        ran = await cell(raw, "x = 5\nprint('é')\nraise KeyError('k')", one)
        counted(checks, ran.events, stdout="é\n".encode(), cause="raised")
        for requirement in ("cell.exception-fields", "end.raised"):
            checks.equal(requirement, ran.cause, ("raised", "EXECUTION_FAILED"))
        checks.that("end.state-lost", ran.end.get("state_lost") is False, ran.end.raw)
        checks.equal("cell.syntax-error", (await cell(raw, "(", one)).cause, ("raised", "EXECUTION_FAILED"))
        await cell(raw, "raise SystemExit(3)", one)
        checks.equal("cell.system-exit", (await cell(raw, "x", one)).value, "5")
        waiting = await cell(raw, "import asyncio\nawait asyncio.sleep(0.01)\nawait asyncio.sleep(0, 'done')", one)
        checks.equal("cell.await", waiting.value, "'done'")


@scenario("code", "code.default-context", "code.empty", profiles=["compat"])
async def test_the_default_context_of_a_language_is_kept(checks: Checks, raw: Raw, unique: str) -> None:
    """Code that names a language only."""
    first = await cell(raw, f"{unique} = 41")
    checks.that("code.default-context", first.completed, first)
    checks.equal("code.default-context", (await cell(raw, f"{unique} + 1")).value, "42")
    for code in ("", "  \n\n", "# nothing"):
        ran = await cell(raw, code)
        checks.that("code.empty", ran.completed and not ran.shown and not ran.stdout, ran)


@scenario(
    "code",
    "code.ephemeral",
    "code.ephemeral-gone",
    "code.ephemeral-or-context",
    "code.language-mismatch",
    "code.language-match",
    "code.no-language",
    "code.strict",
    "cell.timeout-invalid",
    "error.invalid-request-body",
    "empty.context-without-language",
    features=["ephemeral"],
    limit_s=60,
)
async def test_which_context_runs_it(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """Ephemeral code, and choices that are none."""
    await cell(raw, f"{unique} = 1")
    fresh = f"import os; open('here', 'w').write(str(os.getpid())); {unique} = 2; [os.getcwd()]"
    ran = await cell(raw, fresh, ephemeral=True, context={"language": "python", "cwd": folder})
    checks.equal("code.ephemeral", (ran.value, ran.count), (f"[{folder!r}]", 1))
    checks.equal("code.ephemeral", (await cell(raw, unique)).value, "1")
    checks.equal("code.ephemeral", (await cell(raw, f"'{unique}' in globals()", ephemeral=True)).value, "False")
    pid = (await raw.run(f"cat {shlex.quote(folder)}/here")).stdout
    checks.that("code.ephemeral-gone", pid.isdigit() and await are_gone(raw, pid), pid)
    listed = await raw.request("GET", "/code/contexts")
    checks.that("code.ephemeral-gone", folder not in [each.get("cwd") for each in listed.json()], listed)
    async with context(raw) as one:
        refused = await raw.request("POST", "/code", json=order("1", one, ephemeral=True))
        checks.that("code.ephemeral-or-context", refused.status == 400, refused)
        for name in ("go", "bash", "java"):
            refused = await raw.request("POST", "/code", json={"code": "1", "context": {"id": one, "language": name}})
            checks.that("code.language-mismatch", refused.status == 400 and refused.code is not None, refused)
        for name in ("python", "py", "python3"):
            ran = await cell(raw, "1", context={"id": one, "language": name})
            checks.equal("code.language-match", ran.value, "1")
        wrong: list[tuple[object, str]] = [
            ({"context": {"id": one}}, "code"),
            ({"code": None, "context": {"id": one}}, "code"),
            ({"code": 7, "context": {"id": one}}, "code"),
            ({"code": "1", "context": {"id": one, "kernel": "x"}}, "kernel"),
            ({"code": "1", "context": {"id": one}, "colour": "x"}, "colour"),
            ({"code": "1", "context": {"id": one}, "timeout": "1"}, "timeout"),
            ({"code": "1", "context": {"id": one}, "timeout": -1}, "timeout"),
        ]
        for body, field in wrong:
            refused = await raw.request("POST", "/code", json=body)
            for requirement in ("code.strict", "error.invalid-request-body"):
                checks.that(requirement, (refused.status, refused.code) == (400, "INVALID_REQUEST_BODY"), refused)
            checks.that("code.strict", field in str(refused.json().get("message")), refused)
        checks.that("cell.timeout-invalid", refused.status == 400, refused)
        checks.that("cell.timeout-invalid", (await cell(raw, "1", one, timeout=0)).completed)
    for body in ({"code": "ls"}, {"code": "ls", "context": {}}, {"code": "ls", "context": None}):
        refused = await raw.request("POST", "/code", json=body)
        checks.that("code.no-language", refused.status == 400, refused)
    empty = await raw.request("POST", "/code/context", content=b"")
    checks.that("empty.context-without-language", empty.status == 400 and empty.code is not None, empty)


@scenario("code", "cell.envs", "cell.envs-restored", "cell.envs-as-data", "cell.envs-no-trace")
async def test_variables_of_one_run(checks: Checks, raw: Raw) -> None:
    """Variables that hold for a run only, however it ends, and of which nothing can be seen."""
    told = "{n: os.environ.get(n) for n in ('KEPT', 'ADDED', 'ODD')}"
    odd = "a'b\"c\\n$HOME`id`\n\tx = 1 #"
    async with context(raw, envs={"KEPT": "before"}) as one:
        await cell(raw, "import os, json, subprocess", one)
        names = await value(raw, "sorted(n for n in globals() if not n.startswith('_'))", one)
        envs = {"KEPT": "during", "ADDED": "1", "ODD": odd}
        ran = await cell(raw, f"print(json.dumps({told}))\n1/0", one, envs=envs)
        seen = await value(raw, told, one)
        checks.that("cell.envs", '"KEPT": "during", "ADDED": "1"' in ran.stdout, ran)
        checks.that(
            "cell.envs-no-trace", "line 2" in str(ran.error.get("traceback")).replace("\x1b[39m", ""), ran.error
        )
        checks.equal("cell.envs-restored", seen, {"KEPT": "before", "ADDED": None, "ODD": None})
        child = await cell(
            raw, "print(subprocess.check_output(['printenv', 'ODD'], text=True), end='')", one, envs=envs
        )
        checks.equal("cell.envs-as-data", child.stdout, f"{odd}\n")
        async with started(raw, "print('begun', flush=True)\nwhile True: pass", one, envs=envs) as stream:
            await stream.until(says("begun"))
            await raw.request("DELETE", "/code", params={"id": one})
            await rest(stream)
        checks.equal("cell.envs-restored", (await value(raw, told, one))["KEPT"], "before")
        before = await cell(raw, "'count'", one)
        after = await cell(raw, "In[-1]", one, envs={"SECRET_NAME": "sesame"})
        checks.equal("cell.envs-no-trace", (after.count, after.value), (before.count + 1, "'In[-1]'"))
        history = await cell(raw, "print(len(In), [e for e in In[:-1] if 'sesame' in e or 'SECRET_NAME' in e])", one)
        checks.equal("cell.envs-no-trace", history.stdout, f"{after.count + 2} []\n")
        later = await value(raw, "sorted(n for n in globals() if not n.startswith('_'))", one)
        checks.equal("cell.envs-no-trace", later, names)
