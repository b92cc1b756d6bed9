"""HTTP connections to one daemon, each in a pool of its own.

The library's pool looks at every connection for every request: with 64 streams at once that cost more than the
requests themselves. So each pool here holds one connection, the newest idle one is taken first, and a request goes to
it directly: of the library's client (cookies, redirects, authentication) nothing is wanted. Only this module and
the transport import the library.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from opensandbox._acompat import asever
from opensandbox._core.config import Config, Endpoint, proxy_url
from opensandbox._core.request import Request

CONNECT_S: Final = 10.0
_KEEPALIVE_S: Final = 5.0
"""Shorter than the daemon's, so that an idle connection is closed from here and never under a request."""
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEEPALIVE_S)


class Connections:
    """As many connections as there are requests under way, and those that have just been used."""

    def __init__(self, config: Config) -> None:
        self.is_closed = False
        self._endpoint = config.endpoint
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "execd-sdk", **config.headers}
        self._proxy = _proxy(config.endpoint)
        self._trust = _trust(config.endpoint)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, httpx.AsyncHTTPTransport]] = []
        self._busy: dict[httpx.AsyncHTTPTransport, httpx.Response | None] = {}

    @asynccontextmanager
    async def exchange(
        self, request: Request, *, content: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and give its response, not read yet; leaving it unread closes the connection.

        `content` is a body that is made while it is sent.
        """
        message = self._message(request, request.body or None if content is None else content)
        connection = self._take()
        try:
            response = await connection.handle_async_request(message)
            response.request = message
            with self._lock:
                self._busy[connection] = response
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            for stale in self._give_back(connection):
                await stale.aclose()

    async def aclose(self) -> None:
        """Close every connection, those under way too."""
        with self._lock:
            self.is_closed = True
            busy, idle = [*self._busy.items()], [connection for _, connection in self._idle]
            self._idle.clear()
        for connection, response in busy:
            await asever(_socket(response), connection.aclose)
        for connection in idle:
            await connection.aclose()

    def _message(self, request: Request, content: bytes | AsyncIterable[bytes] | None) -> httpx.Request:
        silence = request.silence_s
        timeout = httpx.Timeout(connect=CONNECT_S, read=silence, write=silence, pool=None)
        return httpx.Request(
            request.method,
            self._endpoint.base + request.target,
            content=content,
            headers=self._headers_of(request),
            extensions={"timeout": timeout.as_dict()},
        )

    def _headers_of(self, request: Request) -> Mapping[str, str]:
        kind = {"Content-Type": request.content_type} if request.content_type and request.body else {}
        return {**self._headers, **request.headers, **kind}

    def _take(self) -> httpx.AsyncHTTPTransport:
        with self._lock:
            connection = self._idle.pop()[1] if self._idle else self._connection()
            self._busy[connection] = None
        return connection

    def _connection(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._trust,
            trust_env=False,
            limits=_LIMITS,
            uds=self._endpoint.uds,
            proxy=self._proxy,
        )

    def _give_back(self, connection: httpx.AsyncHTTPTransport) -> list[httpx.AsyncHTTPTransport]:
        """Make a connection idle, and return those that have been idle too long."""
        now = time.monotonic()
        with self._lock:
            self._busy.pop(connection, None)
            if self.is_closed:
                return [connection]
            self._idle.append((now, connection))
            count = sum(since < now - _KEEPALIVE_S for since, _ in self._idle[:16])
            stale, self._idle = self._idle[:count], self._idle[count:]
        return [connection for _, connection in stale]


def _socket(response: httpx.Response | None) -> socket.socket | None:
    """Return what an answer comes through; None before its head has come."""
    stream = None if response is None else response.extensions.get("network_stream")
    found: socket.socket | None = None if stream is None else stream.get_extra_info("socket")
    return found


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Return what all connections share: made for each, it would cost more than the connection."""
    secure = endpoint.base.startswith("https:")
    return httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(endpoint: Endpoint) -> str | None:
    """Return the environment's proxy for an endpoint; loopback has none."""
    parts = urlsplit(endpoint.base)
    if endpoint.is_loopback or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    name = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    return None if name is None else proxy_url(proxies[name], variable=f"{name}_proxy")
