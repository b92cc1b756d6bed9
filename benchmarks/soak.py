"""Mixed load for a long time, and then everything flat: `python -m benchmarks.soak [--minutes N]`.

Memory, descriptors, threads, children and zombies of the daemon are read after a quarter of the time and at the end,
each time at rest. What has grown fails the run, and so does one wrong result. Below ten minutes memory says little.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.daemon import Daemon, private_bytes, running
from opensandbox import Sandbox
from opensandbox.exceptions import CommandFailedException

CLIENTS: Final = 8
MEMORY_SLACK: Final = 1.25
"""Allocators keep pages; a leak of a kilobyte per run passes this within an hour."""
FLAGS: Final = ("--retention-s", "2", "--retention-total-bytes", str(32 << 20), "--kill-grace-ms", "200")
REST_S: Final = 5.0
"""Longer than the retention above, so that finished runs are forgotten."""
PATIENCE_S: Final = 120.0
"""How long what a busy machine has not ended yet may take."""


class Footprint(NamedTuple):
    """What the daemon holds."""

    memory: int
    descriptors: int
    threads: int
    children: int
    zombies: int


async def succeed(sandbox: Sandbox) -> None:
    """Run the smallest command."""
    assert (await sandbox.commands.run("true")).exit_code == 0


async def fail(sandbox: Sandbox) -> None:
    """Run one that fails."""
    code = None
    try:
        await sandbox.commands.run("echo no >&2; exit 7")
    except CommandFailedException as error:
        code = error.error.details["exit_code"]
    assert code == 7


async def print_much(sandbox: Sandbox) -> None:
    """Print 4 MB in lines, and count them."""
    execution = await sandbox.commands.run("seq 1 600000")
    assert len(execution.stdout_bytes) == 4_088_895


async def feed(sandbox: Sandbox) -> None:
    """Send standard input through a program."""
    assert (await sandbox.commands.run("sort -n", stdin="3\n1\n2\n")).stdout == "1\n2\n3\n"


async def run_out_of_time(sandbox: Sandbox) -> None:
    """Let a command with children time out."""
    execution = await sandbox.commands.run("sleep 60 & sleep 60", timeout=0.3, check=False)
    assert execution.cause == "timed_out", execution


async def cancel(sandbox: Sandbox) -> None:
    """Cancel a command while it prints."""
    try:
        async with asyncio.timeout(0.3):
            await sandbox.commands.run("trap '' TERM; while :; do echo x; sleep 0.01; done")
    except TimeoutError:
        return
    raise AssertionError("an endless command ended")


async def leave(sandbox: Sandbox) -> None:
    """Leave a stream in the middle."""
    async with sandbox.commands.run_stream("yes") as lines:
        async for _ in lines:
            break


LOAD: Final[tuple[Callable[[Sandbox], Awaitable[None]], ...]] = (
    succeed,
    fail,
    feed,
    print_much,
    succeed,
    run_out_of_time,
    cancel,
    leave,
)


async def client(daemon: Daemon, number: int, until: float) -> int:
    """Do one thing after another, beginning elsewhere than the others; return how many were done."""
    work = itertools.islice(itertools.cycle(LOAD), number, None)
    async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:
        for done in itertools.count():
            if time.monotonic() > until:
                return done
            await next(work)(sandbox)
    return 0


async def load(daemon: Daemon, for_s: float) -> int:
    """Keep all clients busy, let the daemon rest, and return how many things were done."""
    until = time.monotonic() + for_s
    async with asyncio.TaskGroup() as clients:
        tasks = [clients.create_task(client(daemon, number, until)) for number in range(CLIENTS)]
    await asyncio.sleep(REST_S)
    return sum(task.result() for task in tasks)


def footprint(daemon: Daemon) -> Footprint:
    """Read what the daemon and its guard hold now."""
    own = Path(f"/proc/{daemon.pid}")
    states = [_state(pid) for parent in (daemon.pid, daemon.guard_pid) for pid in _children(parent)]
    return Footprint(
        memory=private_bytes(daemon.pid),
        descriptors=len(list((own / "fd").iterdir())),
        threads=len(list((own / "task").iterdir())),
        children=len(states),
        zombies=states.count("Z"),
    )


def _children(pid: int) -> list[str]:
    return [pid for task in Path(f"/proc/{pid}/task").iterdir() for pid in (task / "children").read_text().split()]


def _state(pid: str) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def grown(before: Footprint, after: Footprint) -> list[str]:
    """Name what is larger than it was."""
    more = [name for name in Footprint._fields[1:] if getattr(after, name) > getattr(before, name)]
    return [*(["memory"] if after.memory > before.memory * MEMORY_SLACK else []), *more]


async def settled(daemon: Daemon, before: Footprint) -> Footprint:
    """Return a footprint that has not grown, or what it is when patience ends."""
    limit = time.monotonic() + PATIENCE_S
    while grown(before, now := footprint(daemon)) and time.monotonic() < limit:
        await asyncio.sleep(1)
    return now


async def main(minutes: float) -> None:
    """Load, measure, load on, measure again."""
    with running(*FLAGS) as daemon:
        done = await load(daemon, minutes * 15)
        before = footprint(daemon)
        print(f"{done} things done, then at rest: {before}", flush=True)
        done = await load(daemon, minutes * 45)
        after = await settled(daemon, before)
        print(f"{done} more, then at rest: {after}")
    if larger := grown(before, after):
        sys.exit(f"grown: {', '.join(larger)}")
    print("flat")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    asyncio.run(main(parser.parse_args().minutes))
