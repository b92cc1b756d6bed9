"""Directories over HTTP: made, removed, listed, and as archives."""

from __future__ import annotations

from functools import partial

from execd._wire import Permission
from execd.files.compression import wanted
from execd.files.content import BLOCK
from execd.http.answer import EMPTY, Answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.files import entries, paths, the_path
from execd.http.services import Services
from execd.http.transfer import Transfer


async def create(exchange: Exchange, services: Services) -> Answer:
    """Make directories by path."""
    parents = exchange.query.flag("parents")
    wishes = decode(await services.arrivals.whole(exchange), dict[str, Permission])
    await services.files.make_directories(wishes, parents=parents is not False)
    return EMPTY


async def remove(exchange: Exchange, services: Services) -> Answer:
    """Remove the directories at each `path`."""
    recursive = exchange.query.flag("recursive")
    await services.files.remove_directories(paths(exchange), recursive=recursive is not False)
    return EMPTY


async def show(exchange: Exchange, services: Services) -> Transfer:
    """Answer what is in a directory, down to a depth."""
    path, depth = the_path(exchange), exchange.query.integer("depth")
    return entries(await services.files.list_directory(path, depth=1 if depth is None else depth))


async def archive(exchange: Exchange, services: Services) -> Transfer:
    """Answer a directory as a tar stream."""
    coding = wanted(exchange.header(b"accept-encoding"))
    found = await services.files.archive(the_path(exchange), exclude=exchange.query.all("exclude"), coding=coding)
    coded = ((b"content-encoding", coding.encode()),) if coding else ()
    headers = ((b"content-type", b"application/x-tar"), (b"vary", b"accept-encoding"), *coded)
    return Transfer(status=200, headers=headers, reading=found)


async def unpack(exchange: Exchange, services: Services) -> Answer:
    """Put a tar stream into a directory."""
    coding = (exchange.header(b"content-encoding") or b"").decode("latin-1").strip().lower()
    pieces = partial(services.arrivals.block, exchange, BLOCK)
    await services.files.unpack(the_path(exchange), coding, pieces)
    return EMPTY
