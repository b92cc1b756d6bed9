"""A container's limits of memory and processes: who meets them hears of it, and the daemon goes on."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.scenarios.boxes import box, cell, upload
from execd_conformance.session import Session

EATER = "exec tail /dev/zero"  # one line without an end, kept in memory
LINES = 8000
PADDING = "x" * 80
# The inner shell's children fill the container; it cannot start one more, and ends. The outer one takes its place,
# holds them, and says more than there is memory for, which takes no process.
CROWD = f"""
sh -c 'i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done' 2>&1
sleep 1000 &
echo full
i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo "$i {PADDING}"; done
echo printed
exec sleep 1000
"""
SAID = "full\n" + "".join(f"{number} {PADDING}\n" for number in range(1, LINES + 1)) + "printed\n"
ONE_MORE = "exec sh -c '/bin/echo hi; /bin/echo hi'"  # the small shell gives up at once where others try again


@scenario(
    "container",
    "container.oom-command",
    "container.oom-daemon-lives",
    "container.oom-counted",
    needs={"container"},
    limit_s=60,
)
async def test_a_command_beyond_the_memory_limit_is_told_apart(checks: Checks, target: Session) -> None:
    """Let one command eat all memory, and kill another by hand."""
    async with box(target, mem_limit="128m", memswap_limit="128m") as mine:
        before = (await mine.raw.request("GET", "/metrics")).json().get("oom_kills")
        end = (await mine.raw.run(EATER)).end
        saw = (end.type, end.get("code"), end.get("cause"), end.get("signal"))
        checks.equal("container.oom-command", saw, ("error", "OUT_OF_MEMORY", "out_of_memory", "SIGKILL"))
        killed = (await mine.raw.run("kill -KILL $$")).end
        checks.equal("container.oom-command", (killed.get("code"), killed.get("cause")), ("COMMAND_FAILED", "signaled"))
        after = await mine.raw.run("echo on")
        checks.equal("container.oom-daemon-lives", (after.stdout, after.exit_code), ("on\n", 0))
        checks.equal("container.oom-daemon-lives", (await mine.state())["Running"], want=True)
        async with mine.raw.stream("GET", "/metrics/watch", params={"interval_ms": 200}) as watch:
            counted = await watch.until(lambda figures: figures.get("oom_kills", 0) > before)
        checks.that("container.oom-counted", counted["oom_kills"] > before, (before, counted.raw))


@scenario(
    "container",
    "container.oom-cell",
    "container.oom-context-usable",
    features={"execution_id"},
    needs={"container"},
    limit_s=90,
)
async def test_a_cell_beyond_the_memory_limit_loses_its_state_only(checks: Checks, target: Session) -> None:
    """Let a cell eat all memory, and go on in its context."""
    async with box(target) as mine:
        made = await mine.raw.request("POST", "/code/context", json={"language": "python"}, timeout_s=30.0)
        checks.need(made.status == 200, "a context", made)
        context = {"id": made.json()["id"], "language": "python"}
        seen: list[Event] = []

        async def run(code: str) -> list[str]:
            events = await mine.raw.events("POST", "/code", json={"code": code, "context": context}, timeout_s=30.0)
            seen.extend(events)
            return [str(event.get("text", "")) for event in events if event.type in ("stdout", "status")]

        await run("x = 41")
        await run("y = b'x' * (1 << 30)")
        saw = {name: seen[-1].get(name) for name in ("type", "code", "cause", "state_lost")}
        want = {"type": "error", "code": "OUT_OF_MEMORY", "cause": "out_of_memory", "state_lost": True}
        checks.equal("container.oom-cell", saw, want)
        checks.equal("container.oom-context-usable", await run("print('x' in globals())"), ["restarted", "False\n"])
        checks.equal("container.oom-context-usable", seen[-1].type, "execution_complete")


@scenario(
    "container",
    "container.pids-honest",
    "container.pids-output",
    "container.pids-daemon-answers",
    "container.pids-recovers",
    needs={"container"},
    limit_s=90,
)
async def test_a_full_container_says_so_and_recovers(checks: Checks, target: Session) -> None:
    """Fill a container with processes, ask it for more of everything, and take them away again."""
    async with box(target, pids_limit=48) as mine:
        raw = mine.raw
        async with raw.stream("POST", "/command", json={"command": CROWD, "output": "chunks"}, timeout_s=60.0) as crowd:
            await crowd.until(lambda event: "printed\n" in str(event.get("text", "")), limit_s=30.0)
            said = "".join(event["text"] for event in crowd.events if event.type == "stdout")
            checks.that("container.pids-output", said.endswith(SAID), f"{len(said)} of {len(SAID)} characters")
            full = await raw.run(ONE_MORE)
            checks.that("container.pids-honest", full.end.get("code") == "COMMAND_FAILED", full.end)
            is_told = full.end.get("cause") == "never_started" or full.stderr != ""
            checks.that("container.pids-honest", is_told, (full.end, full.stderr))
            uploaded = await upload(raw, "/tmp/file", b"content")
            checks.that("container.pids-honest", uploaded.code in (None, "LIMIT_REACHED"), uploaded)
            made = await raw.request("POST", "/code/context", json={"language": "python"}, timeout_s=40.0)
            checks.that("container.pids-honest", made.status == 429 or "daemon's own" not in made.text, made)
            checks.equal("container.pids-daemon-answers", (await raw.request("GET", "/version")).status, 200)
            async with raw.stream("GET", "/metrics/watch", params={"interval_ms": 200}) as watch:
                told = await watch.until(lambda figures: figures.get("pids", 0) >= 44)
            checks.equal("container.pids-daemon-answers", told.get("pids_limit"), 48)
            run = crowd.events[0]["text"]
            await raw.request("DELETE", "/command", params={"id": run}, timeout_s=20.0)
            end = await crowd.until(lambda event: event.is_terminal)
            checks.equal("container.pids-recovers", end.get("cause"), "interrupted")
        again = await raw.run("/bin/echo hi")
        checks.equal("container.pids-recovers", (again.stdout, again.exit_code), ("hi\n", 0))
        checks.equal("container.pids-recovers", (await upload(raw, "/tmp/file", b"content")).status, 200)
        said_too = await cell(raw, "print(6 * 7)")
        checks.equal("container.pids-recovers", said_too, ["42\n", "execution_complete"])
