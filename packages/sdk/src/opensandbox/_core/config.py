"""Where a daemon is and how to speak to it, from arguments and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, unquote, urlsplit

TOKEN_HEADER: Final = "X-EXECD-ACCESS-TOKEN"  # noqa: S105 - the name of the header
_SCHEMES: Final = ("http", "https", "http+unix")


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
    if token:
        every[TOKEN_HEADER] = token
    return Config(endpoint=parse_endpoint(address), headers=every)


def parse_endpoint(address: str) -> Endpoint:
    """Take an address apart: `http://host:port/prefix`, `host:port`, or `http+unix://<percent-encoded path>/prefix`."""
    text = address if "://" in address else f"http://{address}"
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in _SCHEMES or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"not an endpoint: {address!r} (http://, https:// or http+unix://, host and prefix only)")
    if parts.scheme == "http+unix":
        return Endpoint(
            url=parts.geturl(), base=f"http://localhost{parts.path}", uds=unquote(parts.netloc), is_loopback=True
        )
    return Endpoint(url=parts.geturl(), base=parts.geturl(), is_loopback=_is_loopback(parts.hostname or ""))


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
