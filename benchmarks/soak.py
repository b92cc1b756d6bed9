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
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.daemon import Daemon, private_bytes, running
from benchmarks.load import LOAD
from opensandbox import Sandbox
from packages.sdk.tests.faults import failing_network, random_faults

CLIENTS: Final = 8
MEMORY_SLACK: Final = 1.25
"""Allocators keep pages; a leak of a kilobyte per run passes this within an hour."""
BREAKS: Final = 10**9
FLAGS: Final = (
    *("--retention-s", "20", "--kill-grace-ms", "200"),
    # An endless command must not push out what others still read.
    *("--retention-bytes", str(16 << 20), "--retention-total-bytes", str(256 << 20)),
)
REST_S: Final = 22.0
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


async def client(daemon: Daemon, number: int, until: float) -> int:
    """Do one thing after another, beginning elsewhere than the others; return how many were done.

    Every other client's connections break.
    """
    work = itertools.islice(itertools.cycle(LOAD), number, None)
    address = urlsplit(daemon.url)
    with failing_network((str(address.hostname), int(address.port or 0))) as network:
        async with await Sandbox.connect(network.url, access_token=daemon.token) as sandbox:
            network.drop()
            network.plan = random_faults(number, count=BREAKS * (number % 2), largest=200_000, whole=0.5)
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
