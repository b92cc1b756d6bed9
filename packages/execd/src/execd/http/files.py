"""Files over HTTP: what is at a path, bytes in, bytes out."""

from __future__ import annotations

import re
import time
from typing import Final

from execd.errors import InvalidFile, MissingQuery, NotSupported, RangeNotSatisfiable
from execd.files.content import BLOCK, Content
from execd.files.ranges import Span, disposition, is_unchanged, may_be_partial, spans
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.transfer import Transfer

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NOT_BUILT: Final = ("offset", "limit")


async def info(exchange: Exchange, services: Services) -> Answer:
    """Answer what is at each `path`."""
    paths = exchange.query.all("path")
    if not all(paths) or not paths:
        raise MissingQuery("path: this query parameter is required")
    return json_answer(await services.files.entries(paths))


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
    path = exchange.query.raw("path")
    if not path:
        raise MissingQuery("path: this query parameter is required")
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
