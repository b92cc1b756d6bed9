"""What the tests of files share: a user who may nothing, and forms as clients write them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

NOBODY = 65534
BOUNDARY = "opensandbox_0123456789abcdef_1700000000"


_BECOME_NOBODY = f"""
import os, sys, multipart
import execd.files.service
if os.geteuid() == 0:
    os.setgroups([]), os.setresgid(*[{NOBODY}] * 3), os.setresuid(*[{NOBODY}] * 3)
"""
# After the imports: what Python itself is made of may lie where only root may look.


def as_nobody(code: str, *arguments: str) -> str:
    """Return what `code` prints when a user without any privilege runs it, or we ourselves where we are not root."""
    done = subprocess.run(
        [sys.executable, "-c", _BECOME_NOBODY + textwrap.dedent(code), *arguments],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    """Return one part of a form."""
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def metadata(path: object, *, filename: str | None = "metadata", **fields: Any) -> bytes:
    """Return a metadata part."""
    return part("metadata", json.dumps({"path": str(path), **fields}).encode(), filename=filename)


def file(content: bytes) -> bytes:
    """Return a file part."""
    return part("file", content, filename="file")


def form(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def in_pieces(data: bytes, size: int) -> Iterable[bytes]:
    """Yield `data` in pieces of `size`."""
    return (data[at : at + size] for at in range(0, len(data), size))
