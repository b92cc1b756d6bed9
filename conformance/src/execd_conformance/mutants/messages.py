"""Requests and replies as a mutant sees them: values that it changes by making others of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

Headers = tuple[tuple[bytes, bytes], ...]


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, whatever the case of its name; None where there is none."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), None)


def without(headers: Headers, *names: str) -> Headers:
    """Leave out every header of these names."""
    unwanted = {name.lower().encode() for name in names}
    return tuple((key, value) for key, value in headers if key.lower() not in unwanted)


def having(headers: Headers, name: str, value: str) -> Headers:
    """Give a header one value: in its old place where it has one, else at the end."""
    wanted, raw = name.lower().encode(), value.encode("latin-1")
    if header(headers, name) is None:
        return (*headers, (name.encode(), raw))
    return tuple((key, raw if key.lower() == wanted else old) for key, old in headers)


def sized(headers: Headers, body: bytes) -> Headers:
    """Say the length of a body that is no longer the one that came, in place of however its end was told."""
    return having(without(headers, "transfer-encoding"), "content-length", str(len(body)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A client's request; its body is there only for a rewrite that takes whole requests."""

    method: str
    target: bytes
    headers: Headers
    body: bytes = b""
    connection: int = 0
    """Which of the proxy's connections it came on."""

    @property
    def path(self) -> str:
        """The target's path, still percent-encoded."""
        return self.target.partition(b"?")[0].decode("latin-1")

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters in their order; bytes that are no UTF-8 survive as surrogates."""
        text = self.target.partition(b"?")[2].decode("latin-1")
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")

    def asks(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return header(self.headers, name)

    @property
    def json(self) -> Any:
        """The body as JSON; an empty object where it is none, so that a mutant lets nonsense pass."""
        return _json(self.body)

    @property
    def mapping(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one where it is none."""
        return _object(self.body)

    def with_path(self, path: str) -> Request:
        """Ask the same of another path."""
        query = self.target.partition(b"?")[1:]
        return replace(self, target=path.encode("latin-1") + b"".join(query))

    def with_query(self, query: list[tuple[str, str]]) -> Request:
        """Ask with other parameters."""
        text = urlencode(query, errors="surrogateescape")
        return replace(self, target=self.path.encode("latin-1") + (b"?" + text.encode() if text else b""))

    def with_header(self, name: str, value: str) -> Request:
        """Ask with one header set."""
        return replace(self, headers=having(self.headers, name, value))

    def with_body(self, body: bytes) -> Request:
        """Send other bytes."""
        return replace(self, body=body, headers=sized(self.headers, body))

    def with_json(self, value: object) -> Request:
        """Send another JSON value."""
        return self.with_body(_dumped(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The daemon's answer: of a stream, or of a body that is passed on as it comes, only the head."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: bytes = b""

    @property
    def is_stream(self) -> bool:
        """Whether events follow."""
        return self.status == 200 and (header(self.headers, "content-type") or "").startswith("text/event-stream")

    @property
    def json(self) -> Any:
        """The body as JSON; an empty object where it is none."""
        return _json(self.body)

    @property
    def mapping(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one where it is none."""
        return _object(self.body)

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return header(self.headers, name)

    def with_status(self, status: int) -> Reply:
        """Answer with another status."""
        return replace(self, status=status, reason=b"")

    def with_header(self, name: str, value: str) -> Reply:
        """Answer with one header set."""
        return replace(self, headers=having(self.headers, name, value))

    def without_header(self, *names: str) -> Reply:
        """Answer without these headers."""
        return replace(self, headers=without(self.headers, *names))

    def with_body(self, body: bytes) -> Reply:
        """Answer with other bytes and their right length."""
        return replace(self, body=body, headers=sized(self.headers, body))

    def with_json(self, value: object) -> Reply:
        """Answer with another JSON value."""
        return self.with_body(_dumped(value))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}


def _object(body: bytes) -> dict[str, Any]:
    value = _json(body)
    return value if isinstance(value, dict) else {}


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
