"""A line that breaks: whole until it is told to cut, and cut exactly where it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from execd_conformance.cutting import Line, breaking

ANSWER = bytes(range(200))


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """Give a line to a server that answers each byte it gets with 200 others."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1):
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, breaking(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as line:
        yield line


async def ask(line: Line) -> bytes:
    """Ask once and return what came before the connection ended, or all of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(line.url.rpartition(":")[2]))
    came = b""
    try:
        async with asyncio.timeout(5):
            writer.write(b"?")
            while len(came) < len(ANSWER) and (data := await reader.read(1000)):
                came += data
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return came


async def test_it_is_whole_until_it_is_told_to_cut(line: Line) -> None:
    assert await ask(line) == ANSWER
    assert (line.connections, line.sent, line.cuts) == (1, 1, 0)


async def test_it_cuts_where_it_is_told_and_is_whole_afterwards(line: Line) -> None:
    line.cut([10, 199])
    # A reset may take with it what had not been read; never does more come than was allowed.
    assert len(await ask(line)) <= 10
    assert await ask(line) in {ANSWER[:size] for size in range(200)}
    assert await ask(line) == ANSWER
    assert line.cuts == 2


async def test_a_connection_that_lives_is_cut_too(line: Line) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(line.url.rpartition(":")[2]))
    async with asyncio.timeout(5):
        writer.write(b"?")
        assert await reader.readexactly(200) == ANSWER
        line.cut([0])
        writer.write(b"?")
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.transport.abort()
    assert line.cuts == 1
