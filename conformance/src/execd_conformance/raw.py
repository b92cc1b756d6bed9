"""Plain HTTP to a daemon: requests as they are written, answers as they come, faults as `Broken`.

Each request has a connection of its own, so that no scenario meets what another one left on it.
"""

from __future__ import annotations

import asyncio
import json as _json
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote, urlencode, urlsplit

import httpx
import httpx_sse

from execd_conformance.broken import Broken
from execd_conformance.events import Event
from execd_conformance.ran import Ran
from execd_conformance.reply import Reply
from execd_conformance.stream import Stream

__all__ = ["TOKEN_HEADER", "UNSET", "Params", "Raw", "Reply", "Sending", "read", "telling"]

TOKEN_HEADER: Final = "X-EXECD-ACCESS-TOKEN"  # noqa: S105 - its name, not a token
_BODY_BYTES: Final = 256 * 1024 * 1024
"""More than any scenario asks for; a daemon that never stops sending must not fill the memory."""


Params = Mapping[str, object] | Sequence[tuple[str, object]]

UNSET: Final[Any] = object()
"""A token that says nothing, where `None` means that none is sent."""


class Sending(TypedDict, total=False):
    """What a request may have; `None` is sent, or sends nothing, where leaving it out means the usual."""

    json: Any
    """Sent as JSON, `None` as `null`."""
    content: str | bytes | AsyncIterable[bytes]
    files: Any
    """A multipart form, as httpx takes it."""
    params: Params
    """The query; it is encoded here, and a list is a name that is repeated."""
    headers: Mapping[str, str]
    token: str | None
    """Another one than the daemon's; `None` sends none."""


class Raw:
    """A client of one daemon that does nothing by itself."""

    def __init__(self, url: str, token: str | None, *, features: frozenset[str] = frozenset()) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.features = features
        """What the daemon announces."""
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=None,  # noqa: S113 - httpx limits each wait; here every request is limited as a whole
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def request(
        self, method: str, path: str | bytes, *, timeout_s: float = 10.0, **sending: Unpack[Sending]
    ) -> Reply:
        """Send a request and read its answer to the end; `path` may be percent-encoded bytes."""
        built = self._built(method, path, sending)
        with telling(f"an answer to {method} {_shown(path)} within {timeout_s:g} s"):
            async with asyncio.timeout(timeout_s):
                response = await self._client.send(built, stream=True)
                try:
                    return await read(response)
                finally:
                    await response.aclose()

    @asynccontextmanager
    async def stream(
        self, method: str, path: str | bytes, *, timeout_s: float = 30.0, **sending: Unpack[Sending]
    ) -> AsyncIterator[Stream]:
        """Send a request and give its answer as a stream of events; it may be read for `timeout_s` altogether."""
        built = self._built(method, path, sending)
        what = f"{method} {_shown(path)}"
        deadline = asyncio.get_running_loop().time() + timeout_s
        with telling(f"a stream from {what} within {timeout_s:g} s"):
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(built, stream=True)
        try:
            problem = None
            if not _may_stream(response):
                with telling(f"the rest of the answer to {what}"):
                    async with asyncio.timeout_at(deadline):
                        problem = await read(response)
            yield Stream(response, problem, what=what, deadline=deadline)
        finally:
            await response.aclose()

    async def events(self, method: str, path: str | bytes, **request: Any) -> list[Event]:
        """Return the events of a stream that comes to its end; `Broken` where there is no stream."""
        async with self.stream(method, path, **request) as stream:
            stream.need()
            return [event async for event in stream]

    async def sse(self, method: str, path: str, **request: Any) -> list[httpx_sse.ServerSentEvent]:
        """Return what another reader of server-sent events, one that knows nothing of this API, makes of a stream."""
        async with self.stream(method, path, **request) as stream:
            stream.need()
            async for _ in stream:
                pass
            again = httpx.Response(200, headers=stream.headers, content=stream.body)
        try:
            return list(httpx_sse.EventSource(again).iter_sse())
        except httpx_sse.SSEError as fault:
            raise Broken(f"a stream of events was expected: {fault}") from None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a bare connection, for requests that are written byte by byte."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with telling(f"a connection to {self.url}"):
            async with asyncio.timeout(10.0):
                return await asyncio.open_connection(parts.hostname, port, ssl=parts.scheme == "https")

    async def run(self, command: str, *, timeout_s: float = 30.0, **fields: Any) -> Ran:
        """Run a command and return what came of it; further fields are those of `POST /command`."""
        body = {"command": command, **fields}
        if "output" in self.features:
            body.setdefault("output", "chunks")
        events = await self.events("POST", "/command", json=body, timeout_s=timeout_s)
        return Ran(events, in_lines=body.get("output") != "chunks")

    def _built(self, method: str, path: str | bytes, sending: Sending) -> httpx.Request:
        headers = dict(sending.get("headers") or {})
        token = sending.get("token", UNSET)
        if (token := self.token if token is UNSET else token) is not None:
            headers.setdefault(TOKEN_HEADER, token)
        content = sending.get("content")
        if "json" in sending:
            content = _json.dumps(sending["json"], ensure_ascii=False).encode("utf-8", "surrogatepass")
            if not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
        return self._client.build_request(
            method,
            self.url,
            content=content,
            files=sending.get("files"),
            headers=headers,
            extensions={"target": _target(urlsplit(self.url).path, path, sending.get("params"))},
        )


async def read(response: httpx.Response) -> Reply:
    """Read an answer to its end."""
    body = bytearray()
    async for data in response.aiter_bytes():
        body += data
        if len(body) > _BODY_BYTES:
            raise Broken(f"an answer of over {_BODY_BYTES} bytes came")
    return Reply(response.status_code, response.headers, bytes(body))


def _may_stream(response: httpx.Response) -> bool:
    # Of another daemon's answers only what surely is no stream is none: the rest is read, and checks judge it.
    return response.status_code == 200 and "html" not in response.headers.get("content-type", "")


def _target(prefix: str, path: str | bytes, params: Params | None) -> bytes:
    target = prefix.encode() + (path if isinstance(path, bytes) else quote(path, safe="/%?=&+:@!$'()*,;~#[]").encode())
    if not params:
        return target
    pairs = params.items() if isinstance(params, Mapping) else params
    query = urlencode([(name, _param(value)) for name, value in pairs], doseq=True, quote_via=quote)
    return target + (b"&" if b"?" in target else b"?") + query.encode()


def _param(value: object) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _shown(path: str | bytes) -> str:
    return path if isinstance(path, str) else path.decode("ascii", "backslashreplace")


@contextmanager
def telling(expected: str) -> Iterator[None]:
    """Turn what goes wrong with a connection into what was expected and what came."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as fault:
        raise Broken(f"{expected} was expected, nothing more came") from fault
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as fault:
        raise Broken(f"{expected} was expected, {type(fault).__name__} came: {fault}") from fault
