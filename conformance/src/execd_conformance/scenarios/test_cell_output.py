"""What cells print and show: live, complete, whatever it is."""

from __future__ import annotations

import json
import shlex
from itertools import groupby
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import Cell, cell, context, rest, results, says, started

_MIME_TYPES = {
    "text/plain": "plain",
    "text/html": "<b>html</b>",
    "text/markdown": "*md*",
    "text/latex": "$x$",
    "image/svg+xml": "<svg/>",
    "image/png": "iVBORw0KGgo=",
    "application/x-of-mine": "own",
}


@scenario("code", "cell.live", "cell.stdout", "output.of-kernels", "stream.order", profiles=["compat"])
async def test_output_comes_while_the_cell_runs(checks: Checks, raw: Raw, folder: str) -> None:
    """A cell that waits for us to have seen what it said."""
    code = """
        import os, sys, time
        for n in range(3):
            print("step", n, flush=True)
            while not os.path.exists(str(n)): time.sleep(0.005)
        print("last", end="")
    """
    async with context(raw, cwd=folder) as one, started(raw, code, one) as stream:
        for number in range(3):
            await stream.until(says(f"step {number}"))
            checks.that("cell.live", not any(event.is_terminal for event in stream.events))
            await raw.run(f"touch {shlex.quote(folder)}/{number}")
        ran = await rest(stream)
        lines = await cell(raw, "print('a\\n\\nb', end='')", one)
    for requirement in ("cell.stdout", "stream.order"):
        checks.equal(requirement, ran.stdout, "step 0\nstep 1\nstep 2\nlast")
    checks.equal("output.of-kernels", lines.stdout, "a\n\nb")


@scenario(
    "code",
    "cell.many-lines",
    "cell.long-line",
    "cell.counts",
    "kernel.no-high-water",
    "stream.order",
    profiles=["compat"],
    limit_s=60,
)
async def test_nothing_of_much_output_is_lost(checks: Checks, raw: Raw) -> None:
    """100,000 lines at once, thousands of messages, and one line of 3 MiB."""
    async with context(raw) as one:
        ran = await cell(raw, "for n in range(100_000): print(n)", one)
        want = "".join(f"{n}\n" for n in range(100_000))
        checks.that("cell.many-lines", ran.stdout == want and ran.completed, _differs(ran.stdout, want))
        counts = ran.end.get("stdout_bytes", len(want))
        checks.equal("cell.counts", counts, len(want))
        flushed = await cell(raw, "for n in range(5000): print(n, flush=True)", one)
        want = "".join(f"{n}\n" for n in range(5000))
        checks.that("kernel.no-high-water", flushed.stdout == want, _differs(flushed.stdout, want))
        mixed = await cell(
            raw, "import sys\nfor n in range(300):\n print(n, flush=True); print(-n, file=sys.stderr, flush=True)", one
        )
        checks.equal("stream.order", mixed.stdout, "".join(f"{n}\n" for n in range(300)))
        checks.equal("stream.order", mixed.stderr, "".join(f"{-n}\n" for n in range(300)))
        long = await cell(raw, "print('é' * 1_500_000 + '!')", one)
        want = "é" * 1_500_000 + "!\n"
        checks.that("cell.long-line", long.stdout == want, _differs(long.stdout, want))


def _differs(saw: str, want: str) -> str:
    at = next(
        (at for at, (one, other) in enumerate(zip(saw, want, strict=False)) if one != other), min(len(saw), len(want))
    )
    return f"{len(saw)} characters of {len(want)}; from {at} on {saw[at : at + 40]!r} instead of {want[at : at + 40]!r}"


@scenario("code", "cell.text", "stream.blank-line", profiles=["compat"])
async def test_text_of_any_script_is_what_was_printed(checks: Checks, raw: Raw) -> None:
    """Characters of one to four bytes, separators of lines, controls; as output, value and error."""
    text = "aé€𝄞 \u0085\u2028\u2029 \t\x00\x1b[1m \r\n日本 🏳️‍🌈 \\n \" '"
    async with context(raw) as one:
        async with started(raw, f"text = {text!r}\nprint(text, end='')\ntext", one) as stream:
            ran = await rest(stream)
        checks.equal("cell.text", ran.stdout, text)
        checks.equal("cell.text", ran.value, repr(text))
        checks.that("stream.blank-line", not stream.unfinished and stream.body.endswith(b"\n\n"), stream.body[-80:])
        for separator in ("\u0085", "\u2028", "\u2029"):
            checks.that("cell.text", separator.encode() not in stream.body, "a separator is not escaped")
        raised = await cell(raw, f"raise ValueError({text!r})", one)
        checks.equal("cell.text", raised.error.get("evalue"), text)
        torn = await cell(
            raw,
            "import sys, time\nfor b in 'é€𝄞'.encode() * 50: sys.stdout.buffer.write(bytes([b])); sys.stdout.flush()",
            one,
        )
        checks.that("cell.text", torn.stdout == "é€𝄞" * 50 or torn.end.type == "error", torn)


@scenario("code", "cell.surrogates", "stream.terminal-once")
async def test_half_a_character_harms_no_stream(checks: Checks, raw: Raw) -> None:
    """Lone surrogates, printed, shown, raised and displayed."""
    async with context(raw) as one:
        for code in (
            r"print('a\ud800b')",
            r"'\udcff'",
            r"raise ValueError('\udfff')",
            r"from IPython.display import display; display({'text/plain': '\ud83d'}, raw=True)",
        ):
            ran = await cell(raw, code, one)
            ends = [kind for kind in ran.types if kind in {"execution_complete", "error"}]
            checks.that("stream.terminal-once", len(ends) == 1, ran)
            checks.that("cell.surrogates", all(event.is_json for event in ran.events), ran)
        checks.equal("cell.surrogates", (await cell(raw, "1 + 1", one)).value, "2")
        printed = await cell(raw, r"print('a\ud800b')", one)
        checks.that("cell.surrogates", printed.stdout.startswith("a") and printed.stdout.endswith("b\n"), printed)


@scenario("code", "cell.value-strings", "event.result-strings", profiles=["compat"])
async def test_every_value_of_a_result_is_a_string(checks: Checks, raw: Raw) -> None:
    """Values of many kinds, which deployed clients would take for output if they were no strings."""
    async with context(raw) as one:
        for code in (
            "[1, {'a': None}]",
            "3.5",
            "True",
            "from IPython.display import JSON; JSON({'a': [1, None]})",
            "from IPython.display import display; display({'application/json': {'a': 1}, 'text/plain': 'x'}, raw=True)",
            "from IPython.display import HTML; HTML('<b>')",
        ):
            ran = await cell(raw, code, one)
            lone = [results(event) for event in ran.shown]
            checks.that(
                "cell.value-strings", lone and all(isinstance(v, str) for each in lone for v in each.values()), ran
            )
            same = all(each.get("text") == each.get("text/plain") for each in lone)
            checks.that("event.result-strings", same, ran)


def _show(code: str) -> str:
    return f"from IPython.display import *\n{code}"


@scenario(
    "code",
    "cell.mime-types",
    "cell.json",
    "cell.display",
    "event.result-data",
    "event.result-main",
    "event.result-display",
)
async def test_what_is_displayed_is_passed_on(checks: Checks, raw: Raw) -> None:
    """Every MIME type, metadata, displayed output beside the value."""
    async with context(raw) as one:
        bundle: dict[str, Any] = {
            **_MIME_TYPES,
            "application/json": {"a": [1, None, "é"]},
            "application/vnd.x+json": [1, 2],
        }
        meta = {"image/png": {"width": 5}, "own": True}
        ran = await cell(
            raw, _show(f"print('a', flush=True)\ndisplay({bundle!r}, raw=True, metadata={meta!r})\nprint('b')\n7"), one
        )
        # What is printed may come in parts.
        kinds = [kind for kind, _ in groupby(kind for kind in ran.types if kind in {"stdout", "result"})]
        checks.equal("cell.display", kinds, ["stdout", "result", "stdout", "result"])
        checks.need(len(ran.shown) == 2, "two results", ran)
        shown, main = ran.shown
        told = results(shown)
        checks.that("cell.mime-types", {**told, **_MIME_TYPES} == told, told)
        checks.equal("cell.mime-types", shown.get("metadata"), meta)
        for kind in ("application/json", "application/vnd.x+json"):
            checks.that("cell.json", isinstance(told.get(kind), str) and json.loads(told[kind]) == bundle[kind], told)
            for requirement in ("cell.json", "event.result-data"):
                checks.equal(requirement, (shown.get("data") or {}).get(kind), bundle[kind])
        for requirement in ("cell.display", "event.result-main"):
            checks.equal(requirement, (shown.get("is_main_result"), main.get("is_main_result")), (False, True))
        checks.equal("event.result-display", shown.get("metadata"), meta)
        checks.equal("event.result-main", results(main).get("text"), "7")


@scenario("code", "cell.display-update", "cell.clear-output", "event.clear-output", "event.result-display")
async def test_what_was_displayed_is_updated_and_cleared(checks: Checks, raw: Raw) -> None:
    """A display with a name, its update from the same cell and from a later one; clearing."""
    async with context(raw) as one:
        ran = await cell(
            raw,
            _show("h = display('one', display_id='mine')\nh.update('two')\nclear_output()\nclear_output(wait=True)"),
            one,
        )
        seen = _displays(ran)
        checks.equal("cell.display-update", seen, [("mine", False, "'one'"), ("mine", True, "'two'")])
        for requirement in ("cell.clear-output", "event.clear-output"):
            waits = [event.get("wait") for event in ran.events if event.type == "clear_output"]
            checks.equal(requirement, waits, [False, True])
        later = await cell(raw, "h.update('three')", one)
        for requirement in ("cell.display-update", "event.result-display"):
            checks.equal(requirement, _displays(later), [("mine", True, "'three'")])


def _displays(ran: Cell) -> list[tuple[Any, bool, Any]]:
    return [(event.get("display_id"), event.get("update") is True, results(event).get("text")) for event in ran.shown]


@scenario(
    "code",
    "cell.input-refused",
    "cell.input",
    "cell.input-password",
    "cell.input-eof",
    "event.input-request",
    features=["stdin"],
)
async def test_code_that_asks(checks: Checks, raw: Raw) -> None:
    """input() refused, answered by lines, a password, and the end of input."""
    async with context(raw) as one:
        refused = await cell(raw, "print('asking')\ninput('name? ')", one)
        checks.that("cell.input-refused", refused.end.type == "error" and refused.error.get("ename"), refused)
        checks.equal("cell.input-refused", (refused.stdout, (await cell(raw, "1", one)).value), ("asking\n", "1"))
        code = "import getpass\nprint([input('name? '), getpass.getpass('word: ')])\ninput()"
        async with started(raw, code, one, allow_stdin=True) as stream:
            asked = await stream.until(lambda event: event.type == "input_request")
            execution = stream.events[0].get("text")
            for requirement in ("cell.input", "event.input-request"):
                checks.equal(requirement, (asked.get("prompt"), asked.get("password")), ("name? ", False))
            where = f"/executions/{execution}/stdin"
            sent = await raw.request("POST", where, content="zoé x\n".encode())
            checks.equal("cell.input", sent.status, 200)
            asked = await stream.until(lambda event: event.type == "input_request")
            for requirement in ("cell.input-password", "event.input-request"):
                checks.equal(requirement, (asked.get("prompt"), asked.get("password")), ("word: ", True))
            await raw.request("POST", where, content=b"sesame\n")
            await stream.until(lambda event: event.type == "input_request")
            await raw.request("POST", f"{where}?eof=true", content=b"")
            ran = await rest(stream)
        checks.equal("cell.input", ran.stdout, "['zoé x', 'sesame']\n")
        checks.equal("cell.input-eof", ran.error.get("ename"), "EOFError")


@scenario(
    "code",
    "cell.replay",
    "cell.execution",
    "cell.repeated-start",
    "output.of-kernels",
    features=["replay", "execution_id"],
)
async def test_a_cell_is_an_execution(checks: Checks, raw: Raw, unique: str) -> None:
    """A finished cell by its id: told, replayed, started again."""
    async with context(raw) as one:
        mine = f"cell-{unique}"
        code = "runs = globals().get('runs', 0) + 1\nprint('a\\n\\nb', end='')\nruns"
        ran = await cell(raw, code, one, execution_id=mine)
        lawful_events = [event.raw for event in ran.events if event.type != "ping"]
        checks.equal("output.of-kernels", ran.stdout, "a\n\nb")
        where = f"/executions/{mine}"
        again = await raw.events("GET", f"{where}/events")
        checks.equal("cell.replay", [event.raw for event in again if event.type != "ping"], lawful_events)
        tail = await raw.events("GET", f"{where}/events?after=2")
        checks.equal(
            "cell.replay", [(event.number, event.raw) for event in tail], [(e.number, e.raw) for e in ran.events[2:]]
        )
        told = (await raw.request("GET", where)).json()
        checks.equal(
            "cell.execution", (told.get("kind"), told.get("running"), told.get("cause")), ("cell", False, "completed")
        )
        checks.equal("cell.execution", told.get("content"), code)
        same = await cell(raw, code, one, execution_id=mine)
        checks.equal("cell.repeated-start", ([event.raw for event in same.events], same.value), (lawful_events, "1"))
        other = await raw.request("POST", "/code", json={"code": "2", "context": {"id": one}, "execution_id": mine})
        checks.that("cell.repeated-start", (other.status, other.code) == (409, "EXECUTION_CONFLICT"), other)
        checks.equal("cell.repeated-start", (await cell(raw, "runs", one)).value, "1")
