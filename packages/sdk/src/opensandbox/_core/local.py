"""What a daemon of one's own gets from its client: arguments, environment, and a place for its socket."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_INHERITED: Final = ("PATH", "HOME", "LANG", "TERM", "TZ")
"""All that a daemon takes over: the caller's keys and secrets stay with the caller."""
_SOCKET_PATH_LIMIT: Final = 107
"""Bytes of a Unix socket's path, on every Linux."""


def daemon_environment(environ: Mapping[str, str], *, envs: Mapping[str, str], token: str) -> dict[str, str]:
    """Return the daemon's whole environment."""
    inherited = {name: environ[name] for name in _INHERITED if name in environ}
    return {**inherited, **envs, "EXECD_ACCESS_TOKEN": token}


def daemon_arguments(python: str, *, socket: str, lifeline: int, working_dir: str) -> list[str]:
    """Return the command that starts a daemon; `-I` keeps the caller's directory and PYTHONPATH out of it."""
    return [
        *(python, "-I", "-m", "execd", "serve"),
        *("--uds", socket),
        *("--lifeline-fd", str(lifeline)),
        *("--working-root", working_dir),
        # Whoever runs code once will run more, in other contexts, too; whoever runs none pays nothing.
        *("--pool", "python=1", "--pool-lazy"),
    ]


def private_directories(environ: Mapping[str, str]) -> list[str]:
    """Return where sockets and working directories may lie, best first; never the temporary directory.

    `rm -rf /tmp/*` is something that sandboxes do.
    """
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (home and os.path.join(home, ".local", "state"))
    roots = (environ.get("XDG_RUNTIME_DIR"), state)
    return [os.path.join(root, "opensandbox") for root in roots if root and os.path.isabs(root)]


def fits_socket(path: str) -> bool:
    """Whether a Unix socket can have this path."""
    return len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT


def ready_line(output: bytes) -> dict[str, Any] | None:
    """Return what the daemon says when it is ready, None while it has not said it."""
    line, ended, _ = output.partition(b"\n")
    if not ended:
        return None
    try:
        told = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return told
