"""Files over HTTP: what is at a path, bytes in, bytes out, and what is done with files as a whole."""

from __future__ import annotations

import os
import re
import time
from typing import Final

from execd._wire import Move, Permission, Replacement
from execd.errors import InvalidFile, MissingQuery, NotSupported, RangeNotSatisfiable
from execd.files.content import BLOCK, Content
from execd.files.ranges import Span, disposition, is_unchanged, may_be_partial, spans
from execd.files.service import Entries
from execd.http.answer import EMPTY, JSON, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.transfer import Transfer

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NO_PATH: Final = "path: this query parameter is required"
_NOT_BUILT: Final = ("offset", "limit")


async def info(exchange: Exchange, services: Services) -> Answer:
    """Answer what is at each `path`."""
    return json_answer(await services.files.entries(paths(exchange)))


def paths(exchange: Exchange) -> list[bytes]:
    """Return every `path`, at least one; raises `MissingQuery`."""
    found = exchange.query.all("path")
    if not all(found) or not found:
        raise MissingQuery(_NO_PATH)
    return found


def the_path(exchange: Exchange) -> bytes:
    """Return the one `path`; raises `MissingQuery`."""
    path = exchange.query.raw("path")
    if not path:
        raise MissingQuery(_NO_PATH)
    return path


async def upload(exchange: Exchange, services: Services) -> Answer:
    """Take files in, and answer when all of them are in their places."""
    receiving = services.files.receiving(_boundary(exchange))
    try:
        while pieces := await services.arrivals.block(exchange, BLOCK):
            await receiving.take(pieces)
        await receiving.finish()
    except BaseException:
        await receiving.abandon()
        raise
    return EMPTY


def _boundary(exchange: Exchange) -> str:
    given = (exchange.header(b"content-type") or b"").decode("latin-1")
    match = _BOUNDARY.search(given)
    if match is None or given.partition(";")[0].strip().lower() != "multipart/form-data":
        raise InvalidFile("an upload is multipart/form-data, with its boundary in the header Content-Type")
    return match[1] or match[2]


async def download(exchange: Exchange, services: Services) -> Answer | Transfer:
    """Answer a file, a range of it, or that the asker has it already."""
    path = the_path(exchange)
    for name in _NOT_BUILT:
        if exchange.query.raw(name) is not None:
            raise NotSupported(f"{name} is not served yet", details={"field": name})
    content = await services.files.open(path)
    try:
        return _owed(exchange, services, content)
    except BaseException:
        content.close()
        raise


def _owed(exchange: Exchange, services: Services, content: Content) -> Answer | Transfer:
    if _is_known(exchange, content):
        content.close()
        return Answer(304, headers=_validators(content))
    span = _span(exchange, content) if exchange.method == "GET" else None
    return Transfer(
        status=206 if span else 200,
        headers=(*_headers(content), *_lengths(content, span)),
        reading=services.files.reading(content, span),
    )


def _is_known(exchange: Exchange, content: Content) -> bool:
    return content.validators is not None and is_unchanged(
        if_none_match=exchange.header(b"if-none-match"),
        if_modified_since=exchange.header(b"if-modified-since"),
        now=content.validators,
    )


def _span(exchange: Exchange, content: Content) -> Span | None:
    if content.validators is None or content.size is None:
        return None
    found = spans(exchange.header(b"range"), size=content.size)
    if found is None or not may_be_partial(exchange.header(b"if-range"), now=content.validators, clock_s=time.time()):
        return None
    if not found:
        raise RangeNotSatisfiable(f"the file has {content.size} bytes", details={"size": content.size})
    return found[0] if len(found) == 1 else None


def _validators(content: Content) -> tuple[tuple[bytes, bytes], ...]:
    if content.validators is None:
        return ()
    return ((b"etag", content.validators.etag), (b"last-modified", content.validators.last_modified))


def _headers(content: Content) -> tuple[tuple[bytes, bytes], ...]:
    ranges = ((b"accept-ranges", b"bytes"),) if content.validators else ()
    kind = (b"content-type", b"application/octet-stream")
    return (kind, (b"content-disposition", disposition(content.name)), *ranges, *_validators(content))


def _lengths(content: Content, span: Span | None) -> tuple[tuple[bytes, bytes], ...]:
    if span is not None:
        place = f"bytes {span.start}-{span.stop - 1}/{content.size}".encode()
        return ((b"content-range", place), (b"content-length", b"%d" % len(span)))
    return () if content.size is None else ((b"content-length", b"%d" % content.size),)


# ── files as a whole ─────────────────────────────────────────────────────────────────────────────────────────────────


async def remove(exchange: Exchange, services: Services) -> Answer:
    """Remove the files at each `path`."""
    await services.files.remove(paths(exchange))
    return EMPTY


async def set_permissions(exchange: Exchange, services: Services) -> Answer:
    """Set owner, group and mode by path."""
    wishes = decode(await services.arrivals.whole(exchange), dict[str, Permission])
    await services.files.set_permissions(wishes)
    return EMPTY


async def move(exchange: Exchange, services: Services) -> Answer:
    """Move from path to path."""
    await services.files.move(decode(await services.arrivals.whole(exchange), list[Move]))
    return EMPTY


async def replace(exchange: Exchange, services: Services) -> Answer:
    """Exchange text in files, and tell how often where that is asked for."""
    verbose = exchange.query.flag("verbose")
    wishes = decode(await services.arrivals.whole(exchange), dict[str, Replacement])
    counts = await services.files.replace(wishes)
    return json_answer(counts) if verbose else EMPTY


async def search(exchange: Exchange, services: Services) -> Transfer:
    """Answer what matches a pattern, while it is found."""
    path, query = the_path(exchange), exchange.query
    limit = query.integer("limit")
    include_directories = query.flag("include_directories") or False
    pattern = os.fsdecode(query.raw("pattern") or b"")
    if not pattern:
        raise MissingQuery("pattern: this query parameter is required")
    found = await services.files.search(path, pattern, limit=limit, include_directories=include_directories)
    return entries(found)


def entries(found: Entries) -> Transfer:
    """Return an answer of entries that go out as they are found."""
    return Transfer(status=200, headers=((b"content-type", JSON),), reading=found)
