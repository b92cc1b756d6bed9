"""What a context says outside of its runs."""

from __future__ import annotations

import shlex

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import Cell, cell, context, rest, says

_THREAD = """
    import os, sys, threading, time
    def late():
        while not os.path.exists("go"): time.sleep(0.005)
        print("late out", flush=True)
        print("late err", file=sys.stderr, flush=True)
    thread = threading.Thread(target=late)
    thread.start()
    print("on time")
"""


@scenario(
    "code",
    "cell.immutable",
    "context.events-late",
    "context.events-execution-id",
    "context.events-states",
    "context.events-from-now",
    "context.events-no-number",
    "context.events-end",
    "stream.endless-ends",
    features=["replay"],
)
async def test_output_after_the_end_of_a_run(checks: Checks, raw: Raw, folder: str) -> None:
    """A thread that writes when its run has ended, and again while another one runs."""
    async with context(raw, cwd=folder) as one:
        where = f"/code/contexts/{one}/events"
        async with raw.stream("GET", where) as own:
            own.need()
            ran = await cell(raw, _THREAD, one)
            before = [event.raw for event in ran.events]
            await raw.run(f"touch {shlex.quote(folder)}/go")
            err = await own.until(lambda event: event.type == "stderr")
            out = next((event for event in own.events if event.type == "stdout"), err)
            checks.equal("context.events-late", (out.get("text"), err.get("text")), ("late out\n", "late err\n"))
            told = (out.get("execution_id"), err.get("execution_id"))
            checks.equal("context.events-execution-id", told, (ran.id, ran.id))
            again = Cell(await raw.events("GET", f"/executions/{ran.id}/events"))
            checks.equal("cell.immutable", [event.raw for event in again.events], before)
            checks.equal("cell.immutable", ran.stdout, "on time\n")
            nobody = await cell(raw, "thread.join(5)\n'later'", one)
            checks.equal("cell.immutable", (nobody.stdout, nobody.stderr, nobody.value), ("", "", "'later'"))
            async with raw.stream("GET", where) as second:
                second.need()
                await cell(raw, "1", one)
                await second.until(lambda event: event.get("text") == "idle")
                seen = [(event.type, event.get("text")) for event in second.events if event.type != "ping"]
                checks.equal("context.events-from-now", seen, [("status", "busy"), ("status", "idle")])
                checks.equal("context.events-states", seen, [("status", "busy"), ("status", "idle")])
                checks.that(
                    "context.events-no-number", all(event.number is None for event in [*own.events, *second.events])
                )
                await raw.request("DELETE", f"/code/contexts/{one}", timeout_s=20.0)
                for stream in (own, second):
                    end = await rest(stream)
                    checks.that("context.events-end", end.types[-1] == "error" and stream.clean_end, end.events[-1].raw)
                    checks.that("stream.endless-ends", end.types.count("error") == 1, end.types)


@scenario("code", "context.events-states", "context.events-late", "cell.immutable", features=["replay"])
async def test_a_thread_that_writes_while_another_run_goes_on(checks: Checks, raw: Raw, folder: str) -> None:
    """Late output is not lost, its own run stays as it was, and a death is told."""
    async with context(raw, cwd=folder) as one, raw.stream("GET", f"/code/contexts/{one}/events") as own:
        own.need()
        first = await cell(raw, _THREAD, one)
        ran = await cell(raw, "open('go', 'w').close()\nthread.join(5)\nprint('mine')", one)
        checks.that("cell.immutable", ran.stdout.endswith("mine\n") and ran.completed, ran)
        again = Cell(await raw.events("GET", f"/executions/{first.id}/events"))
        checks.equal("cell.immutable", again.stdout, "on time\n")
        if "late out" not in ran.stdout:  # a kernel may say of a thread that it belongs to whatever runs
            checks.that("context.events-late", await own.until(says("late out")))
        else:
            checks.equal("context.events-late", ran.stdout, "late out\nmine\n")
        await cell(raw, "os._exit(1)", one)
        await own.until(lambda event: event.get("text") == "restarted")
        states = [event.get("text") for event in own.events if event.type == "status"]
        checks.that("context.events-states", "dead" in states and states[-1] == "restarted", states)
