"""Many small files: sent, searched and packed, beside what the system's own tools take; and who waits meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from benchmarks.daemon import Daemon, running
from benchmarks.measure import Row, side_by_side
from benchmarks.transfers import MIB, fill
from opensandbox import Sandbox, WriteEntry

KIB = b"x" * 1024


async def trees(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """Sending 1,000 files, searching 100,000, and archives in both directions."""
    count, rounds = 10_000 if quick else 100_000, 2 if quick else 3
    async with _world() as (place, daemon, sandbox):
        tree = make_tree(place / "tree", count)
        return [
            await _sending(place, sandbox, rounds),
            await _searching(tree, daemon, rounds),
            *await _archives(place, daemon, rounds),
        ]


async def responses(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """How long `/ping` takes while trees are walked and a large file passes, beside an idle daemon."""
    async with _world() as (place, daemon, sandbox):
        tree = make_tree(place / "tree", 10_000 if quick else 100_000)
        flat = make_flat(place / "flat", 10_000 if quick else 100_000)
        fill(place / "big", (128 if quick else 1024) * MIB)

        async def download() -> None:
            async for _ in sandbox.files.read_stream(place / "big"):
                pass

        async def upload() -> None:
            await sandbox.files.write_file(place / "copy", place / "big")

        # Idle is what it is measured against: a second in which nothing is asked.
        idle = await pinged(daemon, lambda: asyncio.sleep(1.0))
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "a search of a tree": lambda: sandbox.files.search(f"{tree}/**/*.py"),
            "a search of one directory": lambda: sandbox.files.search(f"{flat}/**/*.py"),
            "a list of a tree": lambda: wire(daemon, f"/directories/list?path={tree}&depth=9"),
            "an archive of a tree": lambda: wire(daemon, f"/directories/archive?path={tree}"),
            "a download": download,
            "an upload": upload,
        }
        return [
            Row(
                work=f"/ping during {name}, 99th percentile",
                value=await pinged(daemon, work) * 1e3,
                unit="ms",
                floor=idle * 1e3,
                floor_name="the same, idle",
                bar=10,
                better="lower",
            )
            for name, work in works.items()
        ]


@asynccontextmanager
async def _world() -> AsyncGenerator[tuple[Path, Daemon, Sandbox], None]:
    disk = os.environ.get("TMPDIR", "/var/tmp")  # noqa: S108 - memory is no disk
    with tempfile.TemporaryDirectory(dir=disk) as name, running("--working-root", name) as daemon:
        async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:
            yield Path(name), daemon, sandbox


def make_tree(root: Path, count: int) -> Path:
    """Make so many empty files, every tenth of them Python, a hundred to a directory."""
    for number in range(0, count, 100):
        directory = root / f"{number // 10_000}" / f"{number:06}"
        directory.mkdir(parents=True)
        for at in range(100):
            (directory / f"file-{at}.{'py' if at % 10 == 0 else 'txt'}").touch()
    return root


def make_flat(root: Path, count: int) -> Path:
    """Make so many empty files in one directory."""
    root.mkdir()
    for number in range(count):
        (root / f"file-{number}.{'py' if number % 10 == 0 else 'txt'}").touch()
    return root


async def wire(daemon: Daemon, target: str) -> None:
    """Read an answer to its end and keep nothing of it."""
    headers = {"X-EXECD-ACCESS-TOKEN": daemon.token, "Accept-Encoding": "identity"}
    client = httpx.AsyncClient(base_url=daemon.url, headers=headers, timeout=120)
    async with client, client.stream("GET", target) as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_raw():
            pass


async def pinged(daemon: Daemon, work: Callable[[], Awaitable[object]]) -> float:
    """Return the 99th percentile of the seconds that `/ping` takes while some work goes on.

    Asked by a process of its own, for it is the daemon that is measured, and not the client.
    """
    asker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASKER, daemon.url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert asker.stdout
    await asker.stdout.readline()
    await work()
    told, _ = await asker.communicate(b"\n")
    return float(told)


_ASKER = """
import select, socket, sys, time
from urllib.parse import urlsplit
where = urlsplit(sys.argv[1])
connection = socket.create_connection((where.hostname, where.port))
taken = []
while not select.select([sys.stdin], [], [], 0.002)[0] or len(taken) < 50:
    begin = time.perf_counter()
    connection.sendall(b"GET /ping HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while b"\\r\\n\\r\\n" not in connection.recv(65536):
        pass
    taken.append(time.perf_counter() - begin)
    if len(taken) == 20:
        print("ready", flush=True)
taken = sorted(taken[20:])
print(taken[len(taken) * 99 // 100])
"""


async def _sending(place: Path, sandbox: Sandbox, rounds: int) -> Row:
    entries = [WriteEntry(place / f"many/{number}", KIB) for number in range(1000)]

    async def send() -> float:
        shutil.rmtree(place / "many", ignore_errors=True)
        begin = time.perf_counter()
        await sandbox.files.write_files(entries)
        return time.perf_counter() - begin

    def write() -> float:
        shutil.rmtree(place / "many", ignore_errors=True)
        begin = time.perf_counter()
        (place / "many").mkdir()
        for entry in entries:
            Path(entry.path).write_bytes(KIB)
        return time.perf_counter() - begin

    taken, floor = await side_by_side(send, write, rounds=rounds + 2)
    return _row("1,000 files of 1 KiB in one request", taken, floor, "written by Python", 4)


async def _searching(tree: Path, daemon: Daemon, rounds: int) -> Row:
    target = f"/files/search?path={tree}&pattern=**/*.py"
    taken, floor = await side_by_side(
        lambda: wire(daemon, target),
        lambda: subprocess.run(["find", tree, "-name", "*.py"], stdout=subprocess.DEVNULL, check=True),
        rounds=rounds,
    )
    return _row("search **/*.py", taken, floor, "find", 3)


async def _archives(place: Path, daemon: Daemon, rounds: int) -> list[Row]:
    sources = place / "sources"
    sources.mkdir()
    for number in range(2000):
        (sources / f"{number}").write_bytes(KIB * (number % 40))
    fill(sources / "big", 200 * MIB)
    archive = place / "sources.tar"
    subprocess.run(["tar", "-C", sources, "-cf", archive, "."], check=True)

    def bare_pack() -> None:
        with subprocess.Popen(["tar", "-C", sources, "-cf", "-", "."], stdout=subprocess.PIPE) as tar:
            assert tar.stdout
            while tar.stdout.read(MIB):
                pass

    def bare_unpack() -> float:
        shutil.rmtree(place / "unpacked", ignore_errors=True)
        (place / "unpacked").mkdir()
        begin = time.perf_counter()
        subprocess.run(["tar", "-C", place / "unpacked", "-xf", archive], check=True)
        return time.perf_counter() - begin

    async def unpack() -> float:
        shutil.rmtree(place / "unpacked", ignore_errors=True)

        async def blocks() -> AsyncGenerator[bytes, None]:
            with open(archive, "rb") as file:
                while block := file.read(MIB):
                    yield block

        headers = {"X-EXECD-ACCESS-TOKEN": daemon.token}
        async with httpx.AsyncClient(base_url=daemon.url, headers=headers, timeout=120) as client:
            begin = time.perf_counter()
            answer = await client.put(f"/directories/archive?path={place}/unpacked", content=blocks())
            answer.raise_for_status()
            return time.perf_counter() - begin

    packed = await side_by_side(lambda: wire(daemon, f"/directories/archive?path={sources}"), bare_pack, rounds=rounds)
    unpacked = await side_by_side(unpack, bare_unpack, rounds=rounds)
    return [
        _row("archive of 2,000 files, 240 MB, out", *packed, "tar -c", 3),
        _row("the same in", *unpacked, "tar -x", 3),
    ]


def _row(work: str, taken: float, floor: float, floor_name: str, bar: float) -> Row:
    return Row(
        work=work, value=taken * 1e3, unit="ms", floor=floor * 1e3, floor_name=floor_name, bar=bar, better="lower"
    )
