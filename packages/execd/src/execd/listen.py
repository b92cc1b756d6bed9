"""The sockets that the daemon serves on: bound here, so that every refusal is one line and a port of 0 is known."""

from __future__ import annotations

import errno
import os
import socket
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from execd.settings import Settings, UsageError

BACKLOG: Final = 1024


class BindError(Exception):
    """An address cannot be listened on, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to bind: a host (None: every interface, IPv4 and IPv6) with its port, a Unix socket, or both."""

    tcp: bool
    host: str | None
    port: int
    uds: str | None


def plan(settings: Settings) -> Plan:
    """Return what to bind; raises `UsageError` for an address beyond loopback without a token."""
    tcp = settings.uds is None or settings.host is not None
    host: str | None = settings.host
    if host is None:
        host = None if settings.access_token else "127.0.0.1"
    else:
        host = host.removeprefix("[").removesuffix("]")
        host = None if host in ("*", "::") else host
    wanted = Plan(tcp=tcp, host=host, port=settings.port, uds=settings.uds)
    if is_open(wanted) and not settings.access_token and not settings.insecure:
        raise UsageError(
            f"--host {settings.host} listens beyond loopback, where anyone could run commands:"
            " set --access-token (or EXECD_ACCESS_TOKEN), or say --insecure"
        )
    return wanted


def tcp_port(sockets: list[socket.socket]) -> int | None:
    """Return the port that is listened on, None where there is only a Unix socket."""
    return next((int(bound.getsockname()[1]) for bound in sockets if bound.family != socket.AF_UNIX), None)


def is_open(wanted: Plan) -> bool:
    """Return whether others than this machine could connect."""
    return wanted.tcp and (wanted.host is None or not _is_loopback(wanted.host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(wanted: Plan) -> list[socket.socket]:
    """Return the bound sockets; raises `BindError`."""
    sockets: list[socket.socket] = []
    try:
        if wanted.uds is not None:
            sockets.append(_bind_unix(wanted.uds))
        if wanted.tcp:
            sockets += _bind_all(wanted.port) if wanted.host is None else _bind_host(wanted.host, wanted.port)
    except OSError as error:
        for bound in sockets:
            bound.close()
        tcp = f"{wanted.host or 'all interfaces'}, port {wanted.port}"
        where = wanted.uds if error.filename or not wanted.tcp else tcp
        raise BindError(f"cannot listen on {where}: {error.strerror or error}") from error
    return sockets


def _bind_all(port: int) -> list[socket.socket]:
    # One socket for both families: two could not agree on a free port, and others could slip in between.
    try:
        both = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return [_bound(both, ("::", port))]
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
    return [_bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("0.0.0.0", port))]  # noqa: S104 - IPv6 is off


def _bind_host(host: str, port: int) -> list[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in found:
        wanted = sockets[0].getsockname()[1] if sockets else port
        sockets.append(_bound(socket.socket(family, kind, protocol), (address[0], wanted, *address[2:])))
    return sockets


def _bound(unbound: socket.socket, address: tuple[object, ...]) -> socket.socket:
    try:
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        unbound.bind(address)
        unbound.listen(BACKLOG)
        unbound.settimeout(0)
    except OSError:
        unbound.close()
        raise
    return unbound


def _bind_unix(path: str) -> socket.socket:
    _remove_stale(path)
    unbound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        unbound.bind(path)
        unbound.listen(BACKLOG)
    except OSError as error:
        unbound.close()
        raise OSError(error.errno, error.strerror or str(error), path) from error
    finally:
        os.umask(before)
    unbound.settimeout(0)
    return unbound


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EEXIST, "a file that is no socket is in the way", path)
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError:
            pass
    raise OSError(errno.EADDRINUSE, "another daemon is listening there", path)


def url(sockets: list[socket.socket]) -> str:
    """Return where the daemon can be reached from this machine."""
    name = sockets[-1].getsockname()
    if isinstance(name, str):
        return f"unix:{os.path.abspath(name)}"
    host = {"::": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(name[0], name[0])  # noqa: S104 - what it is reached by
    return f"http://[{host}]:{name[1]}" if ":" in host else f"http://{host}:{name[1]}"
