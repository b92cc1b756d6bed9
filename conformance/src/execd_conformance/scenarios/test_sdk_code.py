"""The code interpreter, in both colours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from code_interpreter import CodeInterpreter, Result, SupportedLanguage
from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import raised
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from opensandbox import OutputLine, Sandbox
from opensandbox.exceptions import (
    ContextNotFoundException,
    ExecutionFailedException,
    ExecutionTimeoutException,
    InterruptedException,
    KernelDiedException,
    LanguageNotSupportedException,
    SandboxException,
)
from opensandbox.results import ExecutionError


@asynccontextmanager
async def _context(interpreter: CodeInterpreter, **options: Any) -> AsyncIterator[str]:
    made = await interpreter.codes.create_context(SupportedLanguage.PYTHON, **options)
    try:
        yield made.context_id
    finally:
        await interpreter.codes.delete_context(made.context_id)


@scenario(
    "sdk",
    "sdk-code.create",
    "sdk-code.run",
    "sdk-code.text",
    "sdk-code.logs",
    "sdk-code.count",
    "sdk-code.error",
    "sdk-code.check",
    "sdk-code.default-language",
    "sdk-code.language-context",
    "sdk-code.handlers",
    profiles=("full", "compat"),
)
async def test_cells_give_what_they_did(checks: Checks, interpreter: CodeInterpreter, unique: str) -> None:
    """Results, lines, counts and errors of cells of one context; the default one."""
    codes = interpreter.codes
    async with _context(interpreter) as one:
        ran = await codes.run(
            "import sys\nprint('a\\n\\nzoé')\nprint('b', file=sys.stderr)\nx = 20\nx + 1", context_id=one
        )
        for requirement in ("sdk-code.create", "sdk-code.run"):
            checks.equal(requirement, (ran.text, len(ran.result), ran.error), ("21", 1, None))
        checks.equal("sdk-code.run", (ran.stdout, ran.stderr), ("a\n\nzoé\n", "b\n"))
        checks.equal("sdk-code.logs", (list(ran.logs.stdout), list(ran.logs.stderr)), (["a", "", "zoé"], ["b"]))
        line: Any = ran.logs.stdout[2]
        told = (line.text, line.timestamp.tzinfo is not None)
        checks.that("sdk-code.logs", isinstance(line, str) and told == ("zoé", True), told)
        none = await codes.run("x = x * 2", context_id=one)
        checks.equal("sdk-code.text", (ran.text, none.text, len(none.result)), ("21", None, 0))
        checks.equal("sdk-code.count", (ran.execution_count, none.execution_count), (1, 2))
        failed = await codes.run("print('before')\nx / 0", context_id=one)
        error = failed.error
        checks.need(error is not None, "an error", failed)
        checks.equal("sdk-code.error", (error.name, error.value), ("ZeroDivisionError", "division by zero"))  # type: ignore[union-attr]
        checks.that("sdk-code.error", "ZeroDivisionError" in "".join(error.traceback), error)  # type: ignore[union-attr]
        checks.equal("sdk-code.error", (failed.stdout, failed.text), ("before\n", None))
        try:
            failed.check()
        except ExecutionFailedException as fault:
            checks.that("sdk-code.check", fault.execution is not None and fault.error.code == "EXECUTION_FAILED", fault)
        else:
            checks.that("sdk-code.check", ok=False, saw="nothing was raised")
        checks.that("sdk-code.check", ran.check() is ran)
        lines: list[str] = []
        results: list[Result] = []
        heard = await codes.run(
            "print('one'); print('two', end='')\nx", context_id=one, on_stdout=lines.append, on_result=results.append
        )
        checks.equal(
            "sdk-code.handlers", (lines, [each.text for each in results], heard.text), (["one", "two"], ["40"], "40")
        )
    first = await codes.run(f"{unique} = 7")
    again = await codes.run(unique, language=SupportedLanguage.PYTHON)
    checks.that("sdk-code.default-language", first.error is None, first)
    checks.equal("sdk-code.language-context", again.text, "7")


@scenario("sdk", "sdk-code.results", "sdk-code.text", "sdk-code.stream")
async def test_results_of_every_kind(checks: Checks, interpreter: CodeInterpreter) -> None:
    """Each form of a result, in the order of arrival; a cell as it comes."""
    code = """
from IPython.display import display
forms = {"text/plain": "t", "text/html": "<b>", "text/markdown": "*", "text/latex": "$", "image/svg+xml": "<svg/>",
         "image/png": "iVBORw0KGgo=", "application/json": {"a": [1]}, "application/x-own": "own"}
display(forms, raw=True)
print("between")
6 * 7
"""
    async with _context(interpreter) as one:
        ran = await interpreter.codes.run(code, context_id=one)
        checks.equal("sdk-code.results", [each.text for each in ran.result], ["t", "42"])
        shown = ran.result[0]
        checks.equal(
            "sdk-code.results", (shown.html, shown.markdown, shown.latex, shown.svg), ("<b>", "*", "$", "<svg/>")
        )
        checks.equal("sdk-code.results", (shown.png, shown.json), (b"\x89PNG\r\n\x1a\n", {"a": [1]}))
        checks.equal(
            "sdk-code.results",
            (shown.mime["application/x-own"], shown.values),
            ("own", {"application/json": {"a": [1]}}),
        )
        checks.equal("sdk-code.text", (ran.text, shown.is_main_result), ("42", False))
        async with interpreter.codes.run_stream(f"{code}\n1/0", context_id=one) as events:
            came: list[Any] = [event async for event in events]
        kinds = [type(event) for event in came]
        checks.equal("sdk-code.stream", kinds, [Result, OutputLine, ExecutionError])
        checks.equal(
            "sdk-code.stream", [came[0].text, came[1].text, came[2].name], ["t", "between", "ZeroDivisionError"]
        )


@scenario(
    "sdk",
    "sdk-code.timeout",
    "sdk-code.timeout-misuse",
    "sdk-code.kernel-died",
    "sdk-code.lost-context",
    "sdk-code.language-not-supported",
    "sdk-code.supported-languages",
    "sdk-code.interrupt",
    limit_s=60,
)
async def test_ends_that_are_raised(checks: Checks, interpreter: CodeInterpreter, unique: str) -> None:
    """A timeout, a death, an interrupt, a context and a language that are not there."""
    codes = interpreter.codes
    async with _context(interpreter) as one:
        await codes.run("x = 1\nimport time, os", context_id=one)
        fault = await raised(codes.run("print('begun', flush=True); time.sleep(60)", context_id=one, timeout=0.5))
        _raised(checks, "sdk-code.timeout", fault, ExecutionTimeoutException, "EXECUTION_TIMEOUT", state_lost=False)
        checks.equal("sdk-code.timeout", (await codes.run("x", context_id=one)).text, "1")
        running = asyncio.create_task(raised(codes.run("time.sleep(60)", context_id=one)))

        async def stopped() -> bool:
            await codes.interrupt(one)
            # One more than it takes might be for the cell after it.
            await asyncio.wait({running}, timeout=2)
            return running.done()

        checks.that("sdk-code.interrupt", await eventually(stopped), "it goes on")
        checks.that("sdk-code.interrupt", isinstance(await running, InterruptedException), running)
        fault = await raised(codes.run("print('begun', flush=True); time.sleep(0.1); os._exit(1)", context_id=one))
        _raised(checks, "sdk-code.kernel-died", fault, KernelDiedException, "KERNEL_DIED", state_lost=True)
        after = await codes.run("'x' in globals()", context_id=one)
        checks.equal("sdk-code.kernel-died", (after.text, after.restarted), ("False", True))
        for timeout in (0, -1.0):
            fault = await raised(codes.run("1", context_id=one, timeout=timeout))
            checks.that("sdk-code.timeout-misuse", isinstance(fault, ValueError), fault)
    for call in (codes.run("1", context_id=unique), codes.get_context(one), codes.delete_context(one)):
        fault = await raised(call)
        checks.that("sdk-code.lost-context", isinstance(fault, ContextNotFoundException), fault)
        checks.equal("sdk-code.lost-context", _code(fault), "CONTEXT_NOT_FOUND")
    for call in (codes.run("1", language="cobol"), codes.create_context("cobol")):
        fault = await raised(call)
        checks.that("sdk-code.language-not-supported", isinstance(fault, LanguageNotSupportedException), fault)
        checks.equal("sdk-code.language-not-supported", _code(fault), "LANGUAGE_NOT_SUPPORTED")
    names = {each.name: str(each.value) for each in SupportedLanguage}
    want = {name: name.lower() for name in ("PYTHON", "JAVA", "JAVASCRIPT", "TYPESCRIPT", "GO", "BASH")}
    checks.that("sdk-code.supported-languages", names == want and isinstance(SupportedLanguage.GO, str), names)


def _code(fault: object) -> str | None:
    return fault.error.code if isinstance(fault, SandboxException) else None


def _raised(checks: Checks, requirement: str, fault: Any, kind: type, code: str, *, state_lost: bool) -> None:
    checks.that(requirement, isinstance(fault, kind) and _code(fault) == code, fault)
    checks.that(requirement, getattr(fault, "state_lost", None) is state_lost, fault)
    checks.equal(requirement, getattr(getattr(fault, "execution", None), "stdout", None), "begun\n")


@scenario(
    "sdk",
    "sdk-code.create-context",
    "sdk-code.context-value",
    "sdk-code.contexts",
    "sdk-code.restart",
    "sdk-code.languages",
    "sdk-code.envs",
    "sdk-code.ephemeral",
    "sdk-code.input",
    "sdk-code.input-refused",
    features=["restart", "ephemeral", "stdin"],
    limit_s=60,
)
async def test_contexts_and_their_runs(checks: Checks, interpreter: CodeInterpreter, folder: str, unique: str) -> None:
    """Contexts made, told, restarted and deleted; variables, ephemeral code, input."""
    codes = interpreter.codes
    made = await codes.create_context(SupportedLanguage.PYTHON, working_dir=folder, envs={"COLOUR": "red"})
    checks.equal(
        "sdk-code.create-context", (bool(made.context_id), made.language, made.working_dir), (True, "python", folder)
    )
    place = "import os; print(os.getcwd(), os.environ.get('COLOUR'), os.environ.get('ADDED'), 'x' in globals())"
    seen = await codes.run(f"{place}\nx = 1", context_id=made, envs={"COLOUR": "green", "ADDED": "1"})
    checks.equal("sdk-code.envs", seen.stdout, f"{folder} green 1 False\n")
    checks.equal("sdk-code.envs", (await codes.run(place, context_id=made)).stdout, f"{folder} red None True\n")
    checks.that("sdk-code.context-value", (await codes.get_context(made)) == made and str(made) == made.context_id)
    checks.that(
        "sdk-code.contexts", made in await codes.list_contexts() and made in await codes.list_contexts("python")
    )
    again = await codes.restart_context(made)
    checks.equal("sdk-code.restart", again.context_id, made.context_id)
    checks.equal("sdk-code.restart", (await codes.run(place, context_id=made)).stdout, f"{folder} red None False\n")
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "zoé"

    told = await codes.run("print([input('name? ')])", context_id=made, on_input=answer)
    checks.equal("sdk-code.input", (told.stdout, asked), ("['zoé']\n", ["name? "]))
    refused = await codes.run("input()", context_id=made)
    checks.that("sdk-code.input-refused", refused.error is not None, refused)
    await codes.delete_context(made)
    checks.that("sdk-code.contexts", made not in await codes.list_contexts())
    alone = await codes.run(f"{unique} = 1; print('alone')", ephemeral=True)
    checks.equal("sdk-code.ephemeral", (alone.stdout, alone.execution_count), ("alone\n", 1))
    checks.equal("sdk-code.ephemeral", (await codes.run(f"'{unique}' in globals()")).text, "False")
    installed = await codes.languages()
    checks.that(
        "sdk-code.languages", any(each.name == "python" and "py" in each.aliases for each in installed), installed
    )


@scenario("sdk", "sdk-code.cancel", "sdk-code.leave-stream", features=["execution_id"])
async def test_leaving_a_cell_interrupts_it(checks: Checks, sandbox_async: Sandbox, raw: Raw) -> None:
    """A task that is cancelled, and a block that is left: the context is free at once, with its state."""
    interpreter = await CodeInterpreter.create(sandbox_async)
    async with _context(interpreter) as one:
        await interpreter.codes.run("x = 1\nimport time", context_id=one)
        begun = asyncio.Event()
        code = "print('begun', flush=True)\ntime.sleep(60)"
        task = asyncio.create_task(interpreter.codes.run(code, context_id=one, on_stdout=lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        checks.that("sdk-code.cancel", isinstance(outcome, asyncio.CancelledError), outcome)
        async with asyncio.timeout(8):
            checks.equal("sdk-code.cancel", (await interpreter.codes.run("x", context_id=one)).text, "1")
        async with interpreter.codes.run_stream(code, context_id=one) as events:
            checks.equal("sdk-code.leave-stream", str(await anext(aiter(events))), "begun")
        told = await raw.request("GET", f"/executions/{events.execution.id}")
        checks.that("sdk-code.leave-stream", told.status == 404 or told.json().get("running") is False, told)
        async with asyncio.timeout(8):
            checks.equal("sdk-code.leave-stream", (await interpreter.codes.run("x", context_id=one)).text, "1")
