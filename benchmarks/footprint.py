"""What the daemon costs when it does nothing: start, memory, one more idle stream."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

from benchmarks.daemon import Daemon, private_bytes, running
from benchmarks.measure import Row, seconds

IMPORTS = "import starlette.applications, hypercorn.asyncio, msgspec"
STREAMS = 50


def bare_imports() -> None:
    """The floor of a start: an interpreter that imports the server and its framework."""
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


def start_to_ready() -> float:
    """Return the seconds from spawn to a 200 of `/ready`."""
    begin = time.perf_counter()
    with running() as daemon:
        where = urlsplit(daemon.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        connection.request("GET", "/ready")
        assert connection.getresponse().status == 200
        return time.perf_counter() - begin


def imported_bytes() -> int:
    """Return the private memory of an interpreter with the same imports."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{IMPORTS}; import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        size = private_bytes(process.pid)
        process.stdin.close()
    return size


def stream_cost(daemon: Daemon) -> float:
    """Return the daemon's growth per idle stream; the programs behind them are other processes."""
    where = urlsplit(daemon.url)
    opened = []
    before = 0
    for at in range(2 * STREAMS):
        if at == STREAMS:
            before = private_bytes(daemon.pid)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        headers = {"X-EXECD-ACCESS-TOKEN": daemon.token, "Content-Type": "application/json"}
        connection.request("POST", "/command", b'{"command":"sleep 60"}', headers)
        answer = connection.getresponse()
        assert answer.readline().startswith(b"id: 1")
        opened.append(connection)
    return (private_bytes(daemon.pid) - before) / STREAMS


async def footprint(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """Start time, idle memory of daemon and guard, memory of an idle stream."""
    rounds = 3 if quick else 9
    bare_imports()
    pairs = [(start_to_ready(), seconds(bare_imports)) for _ in range(rounds)]
    start, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    kib = 1024
    with running() as daemon:
        idle, guard = private_bytes(daemon.pid), private_bytes(daemon.guard_pid)
        stream = stream_cost(daemon)
    return [
        Row(
            work="start to /ready 200",
            value=start * 1e3,
            unit="ms",
            floor=floor * 1e3,
            floor_name="imports",
            bar=1.6,
            better="lower",
        ),
        Row(
            work="idle daemon, private memory",
            value=idle / kib / kib,
            unit="MiB",
            floor=imported_bytes() / kib / kib,
            floor_name="imports",
            bar=1.3,
            better="lower",
        ),
        Row(work="guard, private memory", value=guard / kib / kib, unit="MiB", bar=10, better="lower"),
        Row(work="one more idle stream", value=stream / kib, unit="KiB", bar=40, better="lower"),
    ]
