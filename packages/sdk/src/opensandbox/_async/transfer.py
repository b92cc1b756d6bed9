"""Files from this side to the sandbox and back, in pieces, going on where they were cut."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from functools import partial
from typing import Final

from opensandbox._acompat import afinish, ain_thread, asleep
from opensandbox._core import archives, directory, files
from opensandbox._core.files import BLOCK, SandboxPath
from opensandbox._core.ignoring import Ignored
from opensandbox._core.local_files import Arriving, Leaving, LocalPath
from opensandbox._core.progress import Meter
from opensandbox._core.request import Request
from opensandbox._core.uploading import Uploading
from opensandbox.exceptions import SandboxApiException, SandboxConnectionException, SandboxException
from opensandbox.transport import AsyncTransport

_GRACE_S: Final = 2.0
"""How long an upload that is given up is waited for."""


async def upload(transport: AsyncTransport, file: Leaving, create: Request, *, meter: Meter) -> None:
    """Send a file; raises `OSError` when it changes meanwhile."""
    state = Uploading((await transport.send(create)).body)
    try:
        await _append(transport, file, state, meter)
        await ain_thread(file.check)
        await transport.send(state.complete())
    except BaseException:
        with suppress(SandboxException, ValueError):
            await afinish(partial(_give_up, transport, state), grace=_GRACE_S)
        raise


async def _give_up(transport: AsyncTransport, state: Uploading) -> None:
    await transport.send(state.delete())


async def _append(transport: AsyncTransport, file: Leaving, state: Uploading, meter: Meter) -> None:
    while not state.is_whole:
        try:
            reply = await transport.send(state.append(), content=partial(_blocks, file, state.offset, meter))
            state.told(reply.body)
        except (SandboxConnectionException, SandboxApiException) as broken:
            await _find_place(transport, state, broken)
        meter.at(state.offset)


async def _find_place(transport: AsyncTransport, state: Uploading, fault: SandboxException) -> None:
    """Ask where to go on until there is an answer."""
    while True:
        await asleep(state.lost(fault, now=time.monotonic(), jitter=random.random()))  # noqa: S311 - spread
        try:
            state.told((await transport.send(state.show())).body)
        except SandboxConnectionException as again:
            fault = again
        else:
            return


async def _blocks(file: Leaving, offset: int, meter: Meter) -> AsyncGenerator[bytes, None]:
    while block := await ain_thread(file.read, offset, BLOCK):
        yield block
        offset += len(block)
        meter.at(offset)


async def download(transport: AsyncTransport, path: SandboxPath, arriving: Arriving, *, meter: Meter) -> None:
    """Fetch a file."""
    done = 0
    packer = files.Packer()
    try:
        async with aclosing(transport.receive(files.download(path))) as chunks:
            async for chunk in chunks:
                if block := packer.add(chunk):
                    await ain_thread(arriving.write, block)
                done += len(chunk)
                meter.at(done)
        await ain_thread(arriving.write, packer.rest())
        await ain_thread(arriving.publish)
    except BaseException:
        arriving.abandon()
        raise


async def upload_directory(transport: AsyncTransport, local: LocalPath, path: SandboxPath, ignored: Ignored) -> None:
    """Send a directory; what is there already and not in it stays."""
    await transport.send(archives.upload(path), content=partial(_packed, local, ignored))


async def _packed(local: LocalPath, ignored: Ignored) -> AsyncGenerator[bytes, None]:
    blocks = directory.packed(local, ignored)
    packer = files.Packer()
    while piece := await ain_thread(_next, blocks):
        if block := packer.add(piece):
            yield block
    yield packer.rest()


def _next(blocks: Iterator[bytes]) -> bytes:
    return next(blocks, b"")


async def download_directory(transport: AsyncTransport, path: SandboxPath, local: LocalPath, ignored: Ignored) -> None:
    """Fetch a directory: all of it first, so that a connection that breaks leaves nothing half unpacked."""
    with await ain_thread(directory.spool, local) as spool:
        packer = files.Packer()
        async with aclosing(transport.receive(archives.download(path, ignored))) as chunks:
            async for chunk in chunks:
                if block := packer.add(chunk):
                    await ain_thread(spool.write, block)
        await ain_thread(spool.write, packer.rest())
        spool.seek(0)
        await ain_thread(directory.unpack, spool, local)
