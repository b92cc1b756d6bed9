"""A mutant breaks one thing: on traffic that it is not about, or did not expect, it fails nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator

import pytest

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.catalogue import MUTANTS
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Mutant
from execd_conformance.mutants.rewrite import Cut, Rewrite

SOON_S = 0.05
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"nonsense",
    b"[" * 5_000,
    b'{"command":"x","argv":null,"envs":7,"timeout":"z"}',
)
TARGETS = (
    *(
        b"/ping",
        b"/version",
        b"/command",
        b"/code",
        b"/executions?limit=x&limit",
        b"/executions/x/events?after=%ff&follow",
    ),
    *(
        b"/executions/x/stdin?eof=true",
        b"/command/status/x",
        b"/code/context",
        b"/code/contexts",
        b"/code/contexts/x/restart",
    ),
    *(
        b"/files/info?path=%ff&path",
        b"/files/download?path=",
        b"/files/upload",
        b"/metrics",
        b"/metrics/watch",
        b"//",
        b"*",
    ),
    *(b"/code/languages", b"/code/contexts/x"),
    *(b"/executions/x", b"/executions/x/signal", b"/command/x/logs?cursor=x&until", b"/command/x/logs"),
)
HEADERS = ((b"Range", b"bytes=a-"), (b"Last-Event-ID", b"x"))
REQUESTS = [
    *(Request(method=m, target=t, headers=HEADERS) for m, t in itertools.product(("GET", "DELETE", "HEAD"), TARGETS)),
    *(Request(method="POST", target=t, headers=HEADERS, body=b) for t, b in itertools.product(TARGETS, BODIES)),
]
REFUSED = json.dumps({"code": "UNAUTHORIZED", "message": "no", "request_id": "x"}).encode()
REPLIES = [
    Reply(status=status, headers=((b"content-length", b"%d" % len(body)),), body=body)
    for status, body in itertools.product((401, 404, 405, 409, 416, 500), (b"", b"[]", REFUSED))
] + [Reply(status=200, headers=(), body=b""), Reply(status=204, headers=()), Reply(status=206, headers=(), body=b"x")]
EVENTS = [
    *(
        block({"type": kind}, number=number)
        for kind, number in (("init", 1), ("stdout", 2), ("result", None), ("ping", 0))
    ),
    *(
        Block(b"\n\n"),
        Block(b"data: nonsense\n\n"),
        block({"type": "stdout", "text": 7}, number=3),
        block({"type": "metrics"}),
    ),
    *(block({"type": kind}, number=9) for kind in ("error", "execution_count", "status", "execution_complete")),
]


def ask(rewrite: Rewrite, request: Request) -> Request | Reply:
    asked: Request | Reply = request
    for hook in (rewrite.ask, rewrite.whole):
        if hook is not None and isinstance(asked, Request):
            asked = hook(asked)
    return asked


async def follow(rewrite: Rewrite, request: Request) -> None:
    async def events() -> AsyncIterator[Block]:
        for event in EVENTS:
            yield event

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    with contextlib.suppress(Cut, TimeoutError):
        async with asyncio.timeout(SOON_S):
            if rewrite.events is not None:
                assert all([isinstance(event, Block) async for event in rewrite.events(request, events())])
            if rewrite.pieces is not None:
                assert all([isinstance(piece, bytes) async for piece in rewrite.pieces(request, pieces())])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
async def test_no_traffic_makes_a_mutant_fail(mutant: Mutant) -> None:
    rewrite = mutant.rewrite("t")

    for request in filter(rewrite.where, REQUESTS):
        asked = ask(rewrite, request)
        assert isinstance(asked, Request | Reply)
        for reply in REPLIES:
            changed = reply if rewrite.reply is None else rewrite.reply(request, reply)
            assert isinstance(changed if rewrite.head is None else rewrite.head(request, changed), Reply)
    for target in (b"/command", b"/metrics/watch"):
        await follow(rewrite, Request(method="POST", target=target, headers=()))
