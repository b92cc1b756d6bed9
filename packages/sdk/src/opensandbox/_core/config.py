"""Where a daemon is and how to speak to it, from arguments and environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

TOKEN_HEADER: Final = "X-EXECD-ACCESS-TOKEN"  # noqa: S105 - the name of the header
_SCHEMES: Final = ("http", "https", "http+unix")
_NO_URL: Final = re.compile(r"[\s\0-\x20\x7f]")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"([!-~]([\t -~]*[!-~])?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A daemon's address: `url` is how people write it, `base` how requests begin; both without a final slash."""

    url: str
    base: str
    uds: str | None = None
    is_loopback: bool = False
    """Proxies from the environment are not for this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """An endpoint and the headers that every request to it carries."""

    endpoint: Endpoint
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def configure(
    endpoint: str | None, *, access_token: str | None, headers: Mapping[str, str] | None, environ: Mapping[str, str]
) -> Config:
    """Fill what is not given from EXECD_ENDPOINT and EXECD_ACCESS_TOKEN; an empty variable is unset."""
    address = endpoint or environ.get("EXECD_ENDPOINT")
    if not address:
        raise ValueError("no endpoint: pass one or set EXECD_ENDPOINT")
    token = environ.get("EXECD_ACCESS_TOKEN") if access_token is None else access_token
    every = dict(headers or {})
    if token and token.strip():
        every[TOKEN_HEADER] = token.strip()  # a token from a file ends with a line feed
    for name, value in every.items():
        _check_header(name, value)
    return Config(endpoint=parse_endpoint(address), headers=every)


def _check_header(name: Any, value: Any) -> None:
    """Refuse what no request can carry; the value is a secret, and stays out of the message."""
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"a header is a string named by a string: {name!r}")
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"not the name of a header: {name!r}")
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError(
            f"the value of header {name} (not shown) is not printable ASCII, or begins or ends with a space"
        )


def parse_endpoint(address: str) -> Endpoint:
    """Take an address apart: `http://host:port/prefix`, `host:port`, or `http+unix://<percent-encoded path>/prefix`."""
    text = address.strip()
    parts = _split(text if "://" in text else f"http://{text}")
    if parts is None:
        raise ValueError(f"not an endpoint: {address!r} (http://, https:// or http+unix://, host and prefix only)")
    if parts.scheme == "http+unix":
        return Endpoint(
            url=parts.geturl(), base=f"http://localhost{parts.path}", uds=unquote(parts.netloc), is_loopback=True
        )
    return Endpoint(url=parts.geturl(), base=parts.geturl(), is_loopback=_is_loopback(parts.hostname or ""))


def _split(text: str) -> SplitResult | None:
    """Take a URL apart, or return None for one that is no endpoint."""
    if _NO_URL.search(text):
        return None  # some of it would be dropped silently
    try:
        parts = urlsplit(text.rstrip("/"))
        is_place = bool(parts.netloc) and (parts.scheme == "http+unix" or _has_host(parts))
    except ValueError:
        return None
    return parts if is_place and parts.scheme in _SCHEMES and not parts.query and not parts.fragment else None


def _has_host(parts: SplitResult) -> bool:
    """Whether there is a host, and a port that can be one; raises `ValueError` for some that cannot."""
    return bool(parts.hostname) and parts.port != 0


def proxy_url(address: str, *, variable: str) -> str:
    """Check a proxy's address, with or without a scheme; it may hold a password, so no message shows it."""
    parts = _split(address if "://" in address else f"http://{address}")
    if parts is None or parts.scheme not in ("http", "https"):
        raise ValueError(f"{variable} names no proxy that can be used here (http:// or https://, host and port)")
    return parts.geturl()


def unix_endpoint(path: str) -> str:
    """Return the address of a socket."""
    return f"http+unix://{quote(path, safe='')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
