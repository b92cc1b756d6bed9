"""One request and its answer, passed through a rewrite: both bodies flow at once, and who leaves is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus

import h11

from execd_conformance.mutants.blocks import Block, cut_apart
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.rewrite import Rewrite
from execd_conformance.mutants.sides import READ, Side


class Switched(Exception):
    """The daemon took the connection over for another protocol."""


async def answered(client: Side, reply: Reply) -> None:
    """Send a whole reply; one that is shorter than it says breaks off."""
    await client.send(_response(reply))
    if reply.body:
        await client.send(h11.Data(data=reply.body))
    await client.send(h11.EndOfMessage())


async def passed_on(request: Request, *, client: Side, daemon: Side, rewrite: Rewrite, taken: bool) -> None:
    """Pass the request on and the answer back.

    `taken`: the request's body has been read already and is in it; otherwise it flows while the answer does.
    """
    await daemon.send(h11.Request(method=request.method, target=request.target, headers=list(request.headers)))
    body = _once(request.body) if taken else client.body()
    upward = asyncio.create_task(_upward(body, client=client, daemon=daemon))
    try:
        await _downward(request, client=client, daemon=daemon, rewrite=rewrite)
    finally:
        upward.cancel()
        await asyncio.wait([upward])
        if not upward.cancelled():
            upward.exception()  # seen: a client that was gone is told by the writing to it


async def _upward(body: AsyncIterator[bytes], *, client: Side, daemon: Side) -> None:
    """Send the request's body, then watch for the client's leaving, which ends what the daemon hears too."""
    try:
        async for piece in body:
            await daemon.send(h11.Data(data=piece))
        await daemon.send(h11.EndOfMessage())
    except ConnectionError:
        if client.state.their_state is not h11.DONE and not client.reader.at_eof():
            return  # the daemon does not want the rest; its answer may say why
    except h11.ProtocolError:
        pass  # what the client sends is no body any more
    else:
        while len(client.state.trailing_data[0]) < READ and await client.read():
            pass
        if not client.reader.at_eof():
            return
    await daemon.end()


async def _downward(request: Request, *, client: Side, daemon: Side, rewrite: Rewrite) -> None:
    while isinstance(event := await daemon.next(), h11.InformationalResponse):
        await client.send(event)
        if event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            raise Switched
    if not isinstance(event, h11.Response):
        raise ConnectionResetError("the daemon went without an answer")
    reply = Reply(status=event.status_code, reason=event.reason, headers=tuple(event.headers.raw_items()))
    if rewrite.reply is not None and not reply.is_stream:
        whole = replace(reply, body=b"".join([piece async for piece in daemon.body()]))
        reply = rewrite.reply(request, whole)
        await answered(client, reply if rewrite.head is None else rewrite.head(request, reply))
        return
    body = _rewritten(request, reply, daemon.body(), rewrite)
    await client.send(_response(reply if rewrite.head is None else rewrite.head(request, reply)))
    async for piece in body:
        await client.send(h11.Data(data=piece))
    await client.send(h11.EndOfMessage())


async def _rewritten(
    request: Request, reply: Reply, body: AsyncIterator[bytes], rewrite: Rewrite
) -> AsyncIterator[bytes]:
    if reply.is_stream and rewrite.events is not None:
        async for block in rewrite.events(request, _blocks(body)):
            yield block.raw
        return
    pieces = body if reply.is_stream or rewrite.pieces is None else rewrite.pieces(request, body)
    async for piece in pieces:
        yield piece


async def _blocks(body: AsyncIterator[bytes]) -> AsyncIterator[Block]:
    async for block in cut_apart(body):
        yield block


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


def _response(reply: Reply) -> h11.Response:
    return h11.Response(status_code=reply.status, reason=reply.reason, headers=list(reply.headers))
