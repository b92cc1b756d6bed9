"""Requests for directories as tar streams."""

from __future__ import annotations

from typing import Final

from opensandbox._core.files import SandboxPath, text_of
from opensandbox._core.ignoring import Ignored
from opensandbox._core.request import Request

_WALK_S: Final = 300.0


def download(path: SandboxPath, ignored: Ignored) -> Request:
    """Read a directory."""
    query = (("path", text_of(path)), *(("exclude", pattern) for pattern in ignored.patterns))
    return Request(method="GET", path="/directories/archive", query=query, is_idempotent=True, silence_s=_WALK_S)


def upload(path: SandboxPath) -> Request:
    """Put an archive into a directory."""
    return Request(
        method="PUT",
        path="/directories/archive",
        query=(("path", text_of(path)),),
        content_type="application/x-tar",
        is_idempotent=True,
        silence_s=_WALK_S,
    )
