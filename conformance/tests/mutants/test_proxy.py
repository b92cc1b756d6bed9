"""With no rewrite nothing is changed, nothing is held back, and whoever leaves is missed on the other side."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.tests.mutants.peers import dial, head_of, heard, serving
from execd_conformance.mutants.proxy import Proxy

LIMIT_S = 10
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-MiXeD: Case \r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /a?b=%ff&c=+ HTTP/1.1\r\nHost: x\r\nX-Odd:   spaced\r\n\r\n"

pieces = st.lists(st.binary(min_size=1, max_size=5000), max_size=8)
cuts = st.lists(st.integers(1, 400), max_size=12)


def chunked(body: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body) + b"0\r\n\r\n"


def sliced(data: bytes, lengths: list[int]) -> list[bytes]:
    """Cut at the lengths, the rest in one."""
    parts: list[bytes] = []
    for length in lengths:
        parts.append(data[:length])
        data = data[length:]
    return [part for part in [*parts, data] if part]


async def through(answer: list[bytes], request: list[bytes]) -> tuple[bytes, bytes]:
    """Send a request in these slices through a proxy to a daemon that answers in those; what each side got."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = await head_of(reader)
        while not heard(seen, method=None, ended=False)[0].whole:
            seen += await reader.read(65536)
        got.set_result(seen)
        for piece in answer:
            writer.write(piece)
            await asyncio.sleep(0)

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        for piece in request:
            writer.write(piece)
            await asyncio.sleep(0)
        reply = await reader.read()
        writer.close()
        return reply, await got


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=pieces, slices=cuts)
def test_an_answer_arrives_as_it_was_sent_however_it_was_cut(body: list[bytes], slices: list[int]) -> None:
    sent = CHUNKED + chunked(body)

    reply, _ = asyncio.run(through(sliced(sent, slices), [GET]))

    assert heard(reply) == heard(sent)


@settings(max_examples=60)
@given(body=pieces, slices=cuts, sized=st.booleans())
def test_a_request_arrives_as_it_was_sent_however_it_was_cut(body: list[bytes], slices: list[int], sized: bool) -> None:
    framing = b"Content-Length: %d" % len(b"".join(body)) if sized else b"transfer-encoding: chunked"
    head = b"POST /x%2Fy?q=%ff HTTP/1.1\r\nhOsT: x\r\n" + framing + b"\r\n\r\n"
    sent = head + (b"".join(body) if sized else chunked(body))

    _, got = asyncio.run(
        through([b"HTTP/1.1 200 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"], sliced(sent, slices))
    )

    assert heard(got, method=None) == heard(sent, method=None)


async def test_an_event_passes_before_the_next_one_is_written() -> None:
    go_on = asyncio.Event()

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED + b"5\r\nfirst\r\n")
        await go_on.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(GET)
        await reader.readuntil(b"first\r\n")
        go_on.set()
        await reader.readuntil(b"last\r\n0\r\n\r\n")
        writer.close()


async def test_a_bodys_piece_passes_before_the_next_one_is_written() -> None:
    seen = asyncio.Event()

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await reader.readexactly(3)
        seen.set()
        await reader.readexactly(3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        await seen.wait()
        writer.write(b"def")
        assert (await head_of(reader)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_slow_reader_holds_the_daemon_up() -> None:
    written = 0

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await head_of(reader)
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            await writer.drain()
            written += 65536

    async def settled() -> int:
        before = -1
        while before != written or not written:
            before = written
            await asyncio.sleep(0.1)  # nothing tells that a writer is held up, except that it goes no further
        return written

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        _, writer = await dial(proxy.url)
        writer.write(GET)
        assert await settled() < 64 << 20
        writer.close()


@pytest.mark.parametrize("rudely", [False, True])
async def test_a_client_that_leaves_is_missed_by_the_daemon(rudely: bool) -> None:
    left = asyncio.Event()

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED + b"5\r\nfirst\r\n")
        assert await reader.read() == b""
        left.set()

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(GET)
        await reader.readuntil(b"first\r\n")
        if rudely:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        writer.close()
        await left.wait()


async def test_a_daemon_that_breaks_off_breaks_off_for_the_client() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED + b"5\r\nfirst\r\n")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(proxy.url)


async def test_a_connection_serves_many_requests_and_so_does_the_one_behind_it() -> None:
    connections: list[asyncio.StreamWriter] = []

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            await head_of(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        for _ in range(3):
            writer.write(GET)
            assert (await reader.readuntil(b"ok")).endswith(b"ok")
        writer.close()
    assert len(connections) == 1


async def test_two_requests_in_one_go_are_answered_in_their_order() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            target = (await head_of(reader)).split()[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n")
        got = await reader.readuntil(b"/two")
        assert got.index(b"/one") < got.index(b"/two")
        writer.close()


async def test_a_daemon_that_closes_an_idle_connection_closes_the_clients() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(GET)
        assert (await reader.read()).endswith(b"ok")
        writer.close()


async def test_an_answer_that_does_not_wait_for_the_body_arrives() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await reader.read()  # a close with bytes unread would reset the connection under the answer

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy, httpx.AsyncClient() as client:
        reply = await client.post(proxy.url, content=bytes(8 << 20))
    assert (reply.status_code, reply.content) == (413, b"no")


@pytest.mark.parametrize(
    "nonsense", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n"]
)
async def test_what_is_no_request_is_refused_by_the_daemon_itself(nonsense: bytes) -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await head_of(reader)
        writer.write(b"refused " + got)

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(nonsense)
        assert await reader.read() == b"refused " + nonsense
        writer.close()


async def test_another_protocol_takes_the_connection_over() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhi")
        writer.write(await reader.readexactly(4))

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
        await head_of(reader)
        writer.write(b"ping")
        assert await reader.read() == b"hiping"
        writer.close()


async def test_a_half_closed_client_gets_its_answer_from_a_daemon_that_gives_it() -> None:
    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"\r\n\r\n" in await reader.read()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url) as proxy:
        reader, writer = await dial(proxy.url)
        writer.write(GET)
        writer.write_eof()
        assert (await reader.read()).endswith(b"ok")
        writer.close()
