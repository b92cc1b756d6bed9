"""Request bodies: read within limits of size and time, decoded strictly, refused with the place that is wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec

from execd.errors import BodyTimeout, InvalidRequestBody, PayloadTooLarge, ShuttingDown
from execd.http.exchange import ClientLeft, Exchange

T = TypeVar("T")
_PLACE: Final = re.compile(r" - at `(key` in `)?\$(.*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")


class Arrivals:
    """Bodies that are on their way: each has a deadline, and all are cut short when the daemon goes down."""

    def __init__(self, *, timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._open: set[asyncio.Timeout] = set()
        self._closing = False

    def close(self) -> None:
        """Refuse what has not arrived yet."""
        self._closing = True
        for deadline in self._open:
            deadline.reschedule(asyncio.get_running_loop().time())

    async def whole(self, exchange: Exchange) -> bytes:
        """Return the whole body; raises `PayloadTooLarge`, `BodyTimeout`, `ShuttingDown`, `ClientLeft`."""
        announced = exchange.header(b"content-length")
        if announced is not None and int(announced) > self._max_bytes:
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        async with self._deadline():
            while (piece := await exchange.receive_body()) is not None:
                pieces.append(piece)
                size += len(piece)
                if size > self._max_bytes:
                    raise self._too_large()
        return b"".join(pieces)

    async def block(self, exchange: Exchange, size: int) -> list[bytes]:
        """Return pieces of `size` bytes together, or more, of a body of any size; fewer at its end, and none after it.

        Here the deadline is for silence, and what had come when the client left is returned before that is told.
        Raises `BodyTimeout`, `ShuttingDown`, `ClientLeft`.
        """
        pieces: list[bytes] = []
        clock = asyncio.get_running_loop().time
        async with self._deadline() as deadline:
            renewed_s = clock()
            while size > 0 and (piece := await self._piece(exchange, pieces)) is not None:
                pieces.append(piece)
                size -= len(piece)
                # Not for each piece: there are thousands of them in a second.
                if clock() - renewed_s > self._timeout_s / 10 and not self._closing:
                    renewed_s = clock()
                    deadline.reschedule(renewed_s + self._timeout_s)
        return pieces

    @staticmethod
    async def _piece(exchange: Exchange, before: list[bytes]) -> bytes | None:
        try:
            return await exchange.receive_body()
        except ClientLeft:
            if not before:
                raise
            return None

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"the body is larger than {self._max_bytes} bytes", details={"limit": self._max_bytes})

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[asyncio.Timeout]:
        try:
            async with asyncio.timeout(0 if self._closing else self._timeout_s) as deadline:
                self._open.add(deadline)
                try:
                    yield deadline
                finally:
                    self._open.discard(deadline)
        except TimeoutError:
            if self._closing:
                raise ShuttingDown("the daemon is going down") from None
            raise BodyTimeout(f"the body did not arrive within {self._timeout_s:g} s") from None


def decode(body: bytes, kind: type[T]) -> T:
    """Return a JSON body as a struct; raises `InvalidRequestBody` with the path of the field that is wrong."""
    if not body or body.isspace():
        raise InvalidRequestBody("the body is empty: a JSON object is expected")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        what, field = _said(str(error))
        details = {"field": field} if field else None
        raise InvalidRequestBody(f"{field}: {what}" if field else what, details=details) from None
    except UnicodeDecodeError:
        raise InvalidRequestBody(_where_not_utf8(body)) from None
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise InvalidRequestBody(f"the body is not one JSON value: {error}") from None


def _where_not_utf8(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"the body is not valid UTF-8 at byte {error.start}"
    return "the body is not valid UTF-8"


def _said(message: str) -> tuple[str, str]:
    """Return what the decoder says is wrong, in words, and the path of the field.

    >>> _said("Object contains unknown field `nope`")
    ('unknown field', 'nope')
    >>> _said("Expected `str` matching regex '^a$' - at `key` in `$.envs`")
    ('a name of this form is not allowed', 'envs')
    """
    if unknown := _UNKNOWN.match(message):
        place = _PLACE.search(message)
        return "unknown field", f"{_path(place)}.{unknown[1]}".lstrip(".")
    place = _PLACE.search(message)
    what = message[: place.start()] if place else message
    if "matching regex" in what:
        what = f"a {'name' if place and place[1] else 'value'} of this form is not allowed"
    return what, _path(place)


def _path(place: re.Match[str] | None) -> str:
    return place[2].removeprefix(".") if place else ""
