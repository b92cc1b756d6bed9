# Generated from packages/sdk/src/opensandbox/_async/transfer.py by tools/unasync.py; do not edit.
"""Files from this side to the sandbox and back, in pieces, going on where they were cut."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Final

from opensandbox._acompat import finish, in_thread, sleep
from opensandbox._core import archives, directory, files
from opensandbox._core.files import BLOCK, SandboxPath
from opensandbox._core.ignoring import Ignored
from opensandbox._core.local_files import Arriving, Leaving, LocalPath
from opensandbox._core.progress import Meter
from opensandbox._core.request import Request
from opensandbox._core.uploading import Uploading
from opensandbox.exceptions import SandboxApiException, SandboxConnectionException, SandboxException
from opensandbox.transport import SyncTransport

_GRACE_S: Final = 2.0
"""How long an upload that is given up is waited for."""


def upload(transport: SyncTransport, file: Leaving, create: Request, *, meter: Meter) -> None:
    """Send a file; raises `OSError` when it changes meanwhile."""
    state = Uploading((transport.send(create)).body)
    try:
        _append(transport, file, state, meter)
        in_thread(file.check)
        transport.send(state.complete())
    except BaseException:
        with suppress(SandboxException, ValueError):
            finish(partial(_give_up, transport, state), grace=_GRACE_S)
        raise


def _give_up(transport: SyncTransport, state: Uploading) -> None:
    transport.send(state.delete())


def _append(transport: SyncTransport, file: Leaving, state: Uploading, meter: Meter) -> None:
    while not state.is_whole:
        try:
            reply = transport.send(state.append(), content=partial(_blocks, file, state.offset, meter))
            state.told(reply.body)
        except (SandboxConnectionException, SandboxApiException) as broken:
            _find_place(transport, state, broken)
        meter.at(state.offset)


def _find_place(transport: SyncTransport, state: Uploading, fault: SandboxException) -> None:
    """Ask where to go on until there is an answer."""
    while True:
        sleep(state.lost(fault, now=time.monotonic(), jitter=random.random()))  # noqa: S311 - spread
        try:
            state.told((transport.send(state.show())).body)
        except SandboxConnectionException as again:
            fault = again
        else:
            return


def _blocks(file: Leaving, offset: int, meter: Meter) -> Generator[bytes, None]:
    while block := in_thread(file.read, offset, BLOCK):
        yield block
        offset += len(block)
        meter.at(offset)


def download(transport: SyncTransport, path: SandboxPath, arriving: Arriving, *, meter: Meter) -> None:
    """Fetch a file."""
    done = 0
    packer = files.Packer()
    try:
        with closing(transport.receive(files.download(path))) as chunks:
            for chunk in chunks:
                if block := packer.add(chunk):
                    in_thread(arriving.write, block)
                done += len(chunk)
                meter.at(done)
        in_thread(arriving.write, packer.rest())
        in_thread(arriving.publish)
    except BaseException:
        arriving.abandon()
        raise


def upload_directory(transport: SyncTransport, local: LocalPath, path: SandboxPath, ignored: Ignored) -> None:
    """Send a directory; what is there already and not in it stays."""
    transport.send(archives.upload(path), content=partial(_packed, local, ignored))


def _packed(local: LocalPath, ignored: Ignored) -> Generator[bytes, None]:
    blocks = directory.packed(local, ignored)
    packer = files.Packer()
    while piece := in_thread(_next, blocks):
        if block := packer.add(piece):
            yield block
    yield packer.rest()


def _next(blocks: Iterator[bytes]) -> bytes:
    return next(blocks, b"")


def download_directory(transport: SyncTransport, path: SandboxPath, local: LocalPath, ignored: Ignored) -> None:
    """Fetch a directory: all of it first, so that a connection that breaks leaves nothing half unpacked."""
    with in_thread(directory.spool, local) as spool:
        packer = files.Packer()
        with closing(transport.receive(archives.download(path, ignored))) as chunks:
            for chunk in chunks:
                if block := packer.add(chunk):
                    in_thread(spool.write, block)
        in_thread(spool.write, packer.rest())
        spool.seek(0)
        in_thread(directory.unpack, spool, local)
