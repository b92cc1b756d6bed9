"""Resumable uploads over HTTP."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from execd._wire import CompleteUploadRequest, CreateUploadRequest
from execd.errors import InvalidQuery
from execd.files.content import BLOCK
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.query import integer
from execd.http.services import Services

_OFFSET: Final = "Upload-Offset"


async def create(exchange: Exchange, services: Services) -> Answer:
    """Begin an upload."""
    request = decode(await services.arrivals.whole(exchange), CreateUploadRequest)
    return Answer(201, msgspec.json.encode(await services.files.uploads.create(request)))


async def show(exchange: Exchange, services: Services) -> Answer:
    """Answer how far an upload is."""
    return json_answer(await services.files.uploads.show(exchange.params["id"]))


async def append(exchange: Exchange, services: Services) -> Answer:
    """Take more of the content, and answer how far it is then."""
    given = exchange.header(_OFFSET.lower().encode())
    if given is None:
        raise InvalidQuery(f"the header {_OFFSET} is missing")
    offset = integer(_OFFSET, given)
    pieces = partial(services.arrivals.block, exchange, BLOCK)
    return json_answer(await services.files.uploads.append(exchange.params["id"], offset, pieces))


async def complete(exchange: Exchange, services: Services) -> Answer:
    """Put the content in its place."""
    body = await services.arrivals.whole(exchange)
    request = decode(body, CompleteUploadRequest) if body.strip() else CompleteUploadRequest()
    await services.files.uploads.complete(exchange.params["id"], request.sha256)
    return EMPTY


async def delete(exchange: Exchange, services: Services) -> Answer:
    """Give an upload up."""
    await services.files.uploads.delete(exchange.params["id"])
    return EMPTY
