"""Files over HTTP: what is at a path, bytes in, bytes out, and what is done with files as a whole."""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import Final

from execd._wire import Move, Permission, Replacement, SignedUrl, SignRequest
from execd.errors import InvalidFile, InvalidQuery, MissingQuery, RangeNotSatisfiable
from execd.files.content import BLOCK, Content
from execd.files.lines import Lines
from execd.files.ranges import Span, disposition, is_unchanged, may_be_partial, spans
from execd.files.readings import Entries
from execd.files.service import Receiving
from execd.http.answer import EMPTY, JSON, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import HEADERS, Events
from execd.http.transfer import Transfer

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NO_PATH: Final = "path: this query parameter is required"
TEXT: Final = b"text/plain; charset=utf-8"
MOST_RANGES: Final = 100


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
    return await _receive(exchange, services, services.files.receiving(_boundary(exchange)))


async def write(exchange: Exchange, services: Services) -> Answer:
    """Take the content of one file, and answer when it is in its place."""
    path, max_bytes = the_path(exchange), exchange.query.integer("max_bytes")
    fsync = exchange.query.flag("fsync") or False
    receiving = await services.files.receiving_whole(path, max_bytes=max_bytes, fsync=fsync)
    return await _receive(exchange, services, receiving)


async def sign(exchange: Exchange, services: Services) -> Answer:
    """Answer a URL that opens one path for a while."""
    wish = decode(await services.arrivals.whole(exchange), SignRequest)
    path = wish.path.encode("utf-8", "surrogateescape")
    url = services.signer.url(wish.method, path, expires_s=wish.expires_s, max_bytes=wish.max_bytes)
    return json_answer(SignedUrl(url=url))


async def _receive(exchange: Exchange, services: Services, receiving: Receiving) -> Answer:
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
    lines = _lines(exchange)
    content = await services.files.open(path)
    try:
        if lines is not None:
            return Transfer(
                status=200, headers=((b"content-type", TEXT),), reading=services.files.reading_lines(content, lines)
            )
        return _owed(exchange, services, content)
    except BaseException:
        content.close()
        raise


def _lines(exchange: Exchange) -> Lines | None:
    first, count = exchange.query.integer("offset", minimum=1), exchange.query.integer("limit")
    if first is None and count is None:
        return None
    if exchange.header(b"range") is not None:
        raise InvalidQuery("offset and limit count lines, and go with no Range")
    return Lines(first=first or 1, count=count)


def _owed(exchange: Exchange, services: Services, content: Content) -> Answer | Transfer:
    if _is_known(exchange, content):
        content.close()
        return Answer(304, headers=_validators(content))
    wanted = _spans(exchange, content) if exchange.method == "GET" else []
    if len(wanted) > 1:
        return _parts(services, content, wanted)
    span = wanted[0] if wanted else None
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


def _spans(exchange: Exchange, content: Content) -> list[Span]:
    """Return the spans that are wanted, none for the whole file; raises `RangeNotSatisfiable`."""
    if content.validators is None or content.size is None:
        return []
    found = spans(exchange.header(b"range"), size=content.size)
    if found is None or not may_be_partial(exchange.header(b"if-range"), now=content.validators, clock_s=time.time()):
        return []
    if not found:
        raise RangeNotSatisfiable(f"the file has {content.size} bytes", details={"size": content.size})
    # Whoever asks for more than there is, in pieces or again and again, gets it once.
    return found if len(found) <= MOST_RANGES and sum(map(len, found)) <= content.size else []


def _parts(services: Services, content: Content, wanted: list[Span]) -> Transfer:
    """Return several spans as a multipart body."""
    boundary = uuid.uuid4().hex
    opening = "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: {place}\r\n\r\n"
    parts: list[tuple[bytes, Span | None]] = [
        (opening.format(boundary=boundary, place=_place(span, content)).encode(), span) for span in wanted
    ]
    parts.append((f"\r\n--{boundary}--\r\n".encode(), None))
    length = sum(len(before) + (len(span) if span else 0) for before, span in parts)
    kind = (b"content-type", f"multipart/byteranges; boundary={boundary}".encode())
    return Transfer(
        status=206,
        headers=(kind, *_headers(content)[1:], (b"content-length", b"%d" % length)),
        reading=services.files.reading_parts(content, parts),
    )


def _place(span: Span, content: Content) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{content.size}"


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
        return ((b"content-range", _place(span, content).encode()), (b"content-length", b"%d" % len(span)))
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


async def watch(exchange: Exchange, services: Services) -> Events | Answer:
    """Start a watch, and stream what changes."""
    path, recursive = the_path(exchange), exchange.query.flag("recursive") or False
    if exchange.method == "HEAD":
        return Answer(headers=HEADERS)
    run = await services.files.watch(path, recursive=recursive, execution_id=exchange.query.text("execution_id"))
    # No wait between start and attach: until somebody reads, nobody has left.
    return services.registry.attach(run, after=0)


def entries(found: Entries) -> Transfer:
    """Return an answer of entries that go out as they are found."""
    return Transfer(status=200, headers=((b"content-type", JSON),), reading=found)
