"""Large files in and out: a loopback socket with sendfile, disk to disk, is the floor."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from pathlib import Path

from benchmarks.daemon import running
from benchmarks.measure import Row, side_by_side
from opensandbox import Sandbox

MIB = 1024 * 1024


def bare_transfer(source: Path, target: Path) -> None:
    """The floor: sendfile into a loopback socket, and what comes out goes to disk."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = threading.Thread(target=send_all, args=(listener, source))
        sender.start()
        buffer = bytearray(MIB)
        with socket.create_connection(listener.getsockname()) as connection, open(target, "wb", buffering=0) as file:
            while count := connection.recv_into(buffer):
                file.write(memoryview(buffer)[:count])
        sender.join()


def send_all(listener: socket.socket, source: Path) -> None:
    """Send a file to the first who connects."""
    connection, _ = listener.accept()
    with connection, open(source, "rb") as file:
        connection.sendfile(file)


async def transfers(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """Upload and download of 1 GiB through the SDK, from disk to disk."""
    size, rounds = (128 if quick else 1024) * MIB, 2 if quick else 3
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as place:  # noqa: S108 - memory is no disk
        local, remote, floor_file = (Path(place) / name for name in ("local", "remote", "floor"))
        fill(local, size)
        with running("--working-root", place) as daemon:
            async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:

                async def up() -> None:
                    await sandbox.files.write_file(remote, local)

                async def down() -> None:
                    with open(local, "r+b", buffering=0) as file:
                        async for block in sandbox.files.read_stream(remote):
                            file.write(block)

                uploaded, up_floor = await side_by_side(up, lambda: bare_transfer(local, floor_file), rounds=rounds)
                downloaded, down_floor = await side_by_side(
                    down, lambda: bare_transfer(remote, floor_file), rounds=rounds
                )
    megabytes = size / 1e6
    return [
        Row(
            work=f"{what} {size // MIB} MiB, SDK, disk to disk",
            value=megabytes / taken,
            unit="MB/s",
            floor=megabytes / floor,
            floor_name="loopback socket with sendfile",
            bar=bar,
            better="higher",
        )
        for what, taken, floor, bar in (
            ("upload", uploaded, up_floor, 0.4),
            ("download", downloaded, down_floor, 0.5),
        )
    ]


def fill(path: Path, size: int) -> None:
    """Write a file of bytes that nothing compresses."""
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        file.writelines(block for _ in range(size // MIB))
