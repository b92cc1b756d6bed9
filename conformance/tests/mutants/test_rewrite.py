"""Each thing that a rewrite may do, seen from the client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from conformance.tests.mutants.peers import Heard, dial, head_of, heard, serving
from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import answer, each, fields
from execd_conformance.mutants.proxy import Proxy
from execd_conformance.mutants.rewrite import Blocks, Cut, Pieces, Rewrite, route

LIMIT_S = 10
EVENTS = [block({"type": "init", "text": "x"}, number=1), block({"type": "stdout", "text": "é"}, number=2)]


class Daemon:
    """Answers every request alike and remembers what it was asked."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.asked: list[Heard] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen = await head_of(reader)
            while not heard(seen, method=None, ended=False)[0].whole:
                seen += await reader.read(65536)
            self.asked += heard(seen, method=None, ended=False)
            writer.write(self.reply)


def fault(_request: Request, _reply: Reply) -> Reply:
    raise ZeroDivisionError


def plain(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d OK\r\nX-One: 1\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def streamed(*events: Block) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(event.raw), event.raw) for event in events) + b"0\r\n\r\n"


async def asked(
    daemon: Daemon, rewrite: Rewrite, method: str = "GET", path: str = "/x", **request: Any
) -> httpx.Response:
    async with asyncio.timeout(LIMIT_S), serving(daemon) as url, Proxy(url, rewrite) as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
            reply = await client.request(method, path, **request)
        assert proxy.faults == []
        return reply


async def test_a_request_is_another_when_it_arrives() -> None:
    daemon = Daemon(plain(b""))

    def ask(request: Request) -> Request:
        return fields(request.with_header("x-new", "1").with_path("/y"), command="false", cwd=None)

    await asked(daemon, Rewrite(whole=ask), "POST", "/x?q=1", json={"command": "true", "cwd": "/", "argv": None})

    [seen] = daemon.asked
    assert seen.first == (b"POST", b"/y?q=1")
    assert (b"x-new", b"1") in seen.headers
    assert json.loads(seen.body) == {"command": "false", "argv": None}


async def test_a_reply_takes_the_daemons_place() -> None:
    daemon = Daemon(plain(b""))

    reply = await asked(daemon, Rewrite(ask=lambda request: answer(request, 404, {"a": 1})), "POST", content=b"body")

    assert (reply.status_code, reply.json(), daemon.asked) == (404, {"a": 1}, [])


async def test_what_where_does_not_pick_passes() -> None:
    reply = await asked(Daemon(plain(b"as it was")), Rewrite(where=route("POST", "/x"), reply=fault))

    assert reply.content == b"as it was"


@pytest.mark.parametrize(("path", "picked"), [("/a/b", True), ("/a/", True), ("/a", False), ("/ab/", False)])
def test_a_route_that_ends_with_a_slash_stands_for_all_below(path: str, picked: bool) -> None:
    request = Request(method="GET", target=path.encode() + b"?q", headers=())

    assert route("GET", "/a/")(request) is picked
    assert not route("POST", "/a/")(request)


async def test_a_plain_reply_is_changed_and_has_the_right_length() -> None:
    def change(_request: Request, reply: Reply) -> Reply:
        return reply.with_status(418).with_body(reply.body * 2).without_header("x-one")

    reply = await asked(Daemon(plain(b"twice")), Rewrite(reply=change))

    assert (reply.status_code, reply.content, "x-one" in reply.headers) == (418, b"twicetwice", False)


async def test_a_reply_that_is_shorter_than_it_says_breaks_off() -> None:
    def change(_request: Request, reply: Reply) -> Reply:
        return Reply(status=200, headers=reply.headers, body=reply.body[:-1])

    with pytest.raises(httpx.RemoteProtocolError):
        await asked(Daemon(plain(b"short")), Rewrite(reply=change))


async def test_the_head_of_a_stream_is_changed_and_its_body_passes() -> None:
    rewrite = Rewrite(head=lambda _r, reply: reply.with_header("content-type", "text/plain"))

    reply = await asked(Daemon(streamed(*EVENTS)), rewrite)

    assert reply.headers["content-type"] == "text/plain"
    assert reply.content == b"".join(event.raw for event in EVENTS)


async def test_pieces_of_a_body_are_changed_as_they_pass() -> None:
    async def upper(_request: Request, pieces: Pieces) -> Pieces:
        async for piece in pieces:
            yield piece.upper()

    reply = await asked(Daemon(plain(b"quiet")), Rewrite(pieces=upper))

    assert reply.content == b"QUIET"


async def test_events_are_dropped_and_changed() -> None:
    change = each(lambda event: None if event.type == "init" else event.changed(text="e", type="stderr").numbered(7))

    reply = await asked(Daemon(streamed(*EVENTS)), Rewrite(events=change))

    assert reply.text == 'id: 7\ndata: {"type":"stderr","text":"e"}\n\n'


async def test_a_stream_is_cut_where_a_rewrite_says() -> None:
    async def cut(_request: Request, events: Blocks) -> Blocks:
        async for event in events:
            yield event
            raise Cut

    async with (
        asyncio.timeout(LIMIT_S),
        serving(Daemon(streamed(*EVENTS))) as url,
        Proxy(url, Rewrite(events=cut)) as proxy,
    ):
        reader, writer = await dial(proxy.url)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        [got] = heard(await reader.read(), ended=False)
        writer.close()
    assert (got.body, got.whole) == (EVENTS[0].raw, False)


async def test_a_stream_that_ends_early_ends_cleanly_and_the_next_request_is_served() -> None:
    async def first(_request: Request, events: Blocks) -> Blocks:
        async for event in events:
            yield event
            return

    async with (
        asyncio.timeout(LIMIT_S),
        serving(Daemon(streamed(*EVENTS))) as url,
        Proxy(url, Rewrite(events=first)) as proxy,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        for _ in range(2):
            assert (await client.get(proxy.url)).content == EVENTS[0].raw


async def test_a_fault_of_a_rewrite_is_kept() -> None:
    async with asyncio.timeout(LIMIT_S), serving(Daemon(plain(b""))) as url, Proxy(url, Rewrite(reply=fault)) as proxy:
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(proxy.url)
        assert [type(each) for each in proxy.faults] == [ZeroDivisionError]
