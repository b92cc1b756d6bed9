"""Who may come in: tokens in constant time, and no web page that drives a daemon without one.

Sans-IO: headers in, a refusal out. It comes before any other answer, 404 and 405 included.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from execd.errors import ForbiddenOrigin, Unauthorized

TOKEN_HEADER: Final = b"x-execd-access-token"
OPEN_PATHS: Final = frozenset({"/ping", "/ready"})
"""Answered without a token (GET and HEAD)."""

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What opens the daemon; `any_host` lifts the check of `Host`, which has a meaning only without tokens."""

    tokens: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    any_host: bool = False

    def admit(self, headers: Headers, *, method: str, path: str, handshake: bool = False) -> None:
        """Return if the request may go on; raises `Unauthorized` or `ForbiddenOrigin`."""
        headers = list(headers)
        if self.tokens and not is_open(method, path, handshake=handshake):
            self._check_token(headers)
        if handshake or not self.tokens:
            self._check_origin(headers)
        if not self.tokens and not self.any_host:
            self._check_host(headers)

    def _check_token(self, headers: Headers) -> None:
        given = next((value for name, value in headers if name == TOKEN_HEADER), None)
        if given is None:
            raise Unauthorized("the header X-EXECD-ACCESS-TOKEN is missing")
        # Every token is compared, to the end, whatever the others gave.
        matches = [hmac.compare_digest(given, token.encode(errors="surrogateescape")) for token in self.tokens]
        if not any(matches):
            raise Unauthorized("the access token is wrong")

    def _check_origin(self, headers: Headers) -> None:
        for name, value in headers:
            if name == b"origin" and not _listed(value.decode("latin-1"), self.origins):
                raise ForbiddenOrigin("this web origin may not call the daemon; --allow-origin names those that may")

    def _check_host(self, headers: Headers) -> None:
        for name, value in headers:
            if name == b"host" and not self._host_allowed(value.decode("latin-1")):
                raise ForbiddenOrigin("this host name may not be asked for; --allow-host names those that may")

    def _host_allowed(self, value: str) -> bool:
        host = host_of(value)
        return is_loopback_name(host) or _is_address(host) or _listed(host, self.hosts)


def is_open(method: str, path: str, *, handshake: bool = False) -> bool:
    """Return whether a request needs no token."""
    return path in OPEN_PATHS and method in ("GET", "HEAD") and not handshake


def host_of(value: str) -> str:
    """Return the name or address of a `Host` header, without its port, in lower case."""
    host, colon, port = value.strip().rpartition(":")
    if not colon or not (port.isdecimal() or not port) or (":" in host and not host.endswith("]")):
        host = value.strip()
    return host.lower().removesuffix(".")


def is_loopback_name(host: str) -> bool:
    """Return whether a name always means this machine, so that no foreign name server can point it elsewhere."""
    return host == "localhost" or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _listed(value: str, allowed: frozenset[str]) -> bool:
    return "*" in allowed or value.lower() in allowed
