"""One request and its answer: what endpoints read from, and the only place that writes to the connection.

Bare ASGI. Every answer carries the request's id; a body that nobody read is taken in for a while before the
connection is given up, or the client would see a reset in place of the answer.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from execd.http.answer import Answer
from execd.http.query import Query

LINGER_S: Final = 1.0
"""How long the next piece of a body that nobody wants may take."""
LINGER_LONGEST_S: Final = 10.0
"""How long all of it may."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class ClientLeft(Exception):
    """The client went away before its request was complete."""


class Exchange:
    """A request as endpoints see it, and where its answer goes."""

    __slots__ = ("_body_ended", "_gone", "_receive", "_send", "params", "query", "request_id", "scope", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, fresh_id: str) -> None:
        self.scope = scope
        self.params: dict[str, str] = {}
        self.query = Query(scope["query_string"])
        given = self.header(b"x-request-id") or b""
        self.request_id = given.decode() if _REQUEST_ID.fullmatch(given) else fresh_id
        self.status = 0
        """Status of the answer, 0 before there is one."""
        self._receive = receive
        self._send = send
        self._gone = False
        self._body_ended = not _announces_body(scope)

    # ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def method(self) -> str:
        """The method; a handshake is a GET."""
        return str(self.scope.get("method", "GET"))

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header (its name in lower case)."""
        return next((value for found, value in self.scope["headers"] if found == name), None)

    @property
    def reader(self) -> bytes | None:
        """What the reader of a stream calls itself: the same on every connection on which it comes back."""
        return self.header(b"x-execd-reader")

    async def receive_body(self) -> bytes | None:
        """Return the next piece of the body, None at its end; raises `ClientLeft`."""
        while not self._body_ended:
            if self._gone:
                raise ClientLeft
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                raise ClientLeft
            self._body_ended = not message.get("more_body", False)
            if message.get("body"):
                return bytes(message["body"])
        return None

    async def left(self) -> None:
        """Return when the client has gone; only for answers that do not read the body."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    # ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, answer: Answer) -> None:
        """Send a whole answer."""
        if self.scope["type"] == "websocket":
            await self._refuse_handshake(answer)
            return
        headers = answer.all_headers()
        if answer.close and str(self.scope["http_version"]).startswith("1"):
            headers.append((b"connection", b"close"))
        if self._body_ended:
            await self.start(answer.status, headers)
            await self.send_body(answer.body, last=True)
            return
        await self.start(answer.status, headers)
        await self.send_body(answer.body, last=False)
        await self._linger()
        await self.send_body(b"", last=True)

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send status and headers."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": self._with_id(headers)})

    async def send_body(self, body: bytes, *, last: bool) -> None:
        """Send a piece of the body; waits while the client does not read."""
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    async def _refuse_handshake(self, answer: Answer) -> None:
        self.status = answer.status
        headers = self._with_id(answer.all_headers())
        start: Message = {"type": "websocket.http.response.start", "status": answer.status, "headers": headers}
        await self._send(start)
        await self._send({"type": "websocket.http.response.body", "body": answer.body, "more_body": False})

    def _with_id(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return [*headers, (b"x-request-id", self.request_id.encode())]

    async def _linger(self) -> None:
        with suppress(TimeoutError, ClientLeft):
            async with asyncio.timeout(LINGER_LONGEST_S):
                while await self._more_within(LINGER_S):
                    pass

    async def _more_within(self, limit_s: float) -> bool:
        async with asyncio.timeout(limit_s):
            return await self.receive_body() is not None


def _announces_body(scope: dict[str, Any] | Scope) -> bool:
    if scope["type"] != "http":
        return False
    headers = scope["headers"]
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
