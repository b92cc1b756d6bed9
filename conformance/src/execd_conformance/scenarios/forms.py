"""`upload`: multipart forms made part by part, right ones and others, and what is seen of files from inside."""

from __future__ import annotations

import hashlib
import json
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from execd_conformance.broken import Broken
from execd_conformance.raw import Raw, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form."""

    name: str
    content: bytes
    filename: str | None = None
    kind: str | None = None

    def head(self) -> bytes:
        """Return its headers."""
        told = f'Content-Disposition: form-data; name="{self.name}"'
        told += f'; filename="{self.filename}"' if self.filename is not None else ""
        return (told + (f"\r\nContent-Type: {self.kind}" if self.kind else "") + "\r\n\r\n").encode()


def metadata(told: Any, *, filename: str | None = "metadata") -> Part:
    """Return a metadata part; bytes are sent as they are."""
    content = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
    return Part(name="metadata", content=content, filename=filename, kind="application/json")


def file(content: bytes) -> Part:
    """Return a file part."""
    return Part(name="file", content=content, filename="data", kind="application/octet-stream")


def pair(path: str, content: bytes = b"", **fields: Any) -> tuple[Part, Part]:
    """Return the two parts of one file."""
    return metadata({"path": path, **fields}), file(content)


@dataclass(frozen=True, slots=True)
class Form:
    """A whole body, and the header that goes with it."""

    body: bytes
    headers: Mapping[str, str]


def form(*parts: Part) -> Form:
    """Return the form of these parts."""
    boundary = secrets.token_hex(12)
    pieces = [b"--" + boundary.encode() + b"\r\n" + part.head() + part.content + b"\r\n" for part in parts]
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return Form(body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


async def send(raw: Raw, *parts: Part, timeout_s: float = 20.0) -> Reply:
    """Upload a form of these parts."""
    made = form(*parts)
    return await raw.request("POST", "/files/upload", content=made.body, headers=made.headers, timeout_s=timeout_s)


async def upload(raw: Raw, path: str, content: bytes = b"", **fields: Any) -> Reply:
    """Upload one file."""
    return await send(raw, *pair(path, content, **fields))


async def inside(raw: Raw, command: str, *paths: str) -> str:
    """Return what a command inside says of paths, without its last line end."""
    return (await raw.run(f"{command} {' '.join(map(shlex.quote, paths))}")).stdout.removesuffix("\n")


async def mode_of(raw: Raw, path: str) -> str:
    """Return the octal mode that the sandbox itself sees, empty where nothing is."""
    return await inside(raw, "stat -c %a 2>/dev/null", path)


async def digest_of(raw: Raw, path: str) -> str:
    """Return the SHA-256 that the sandbox itself sees."""
    return (await inside(raw, "sha256sum <", path))[:64]


async def listed(raw: Raw, path: str) -> list[str]:
    """Return all names in a directory, as the sandbox itself sees them."""
    return sorted((await inside(raw, "ls -A", path)).split())


def digest(content: bytes) -> str:
    """Return the SHA-256 of what we have."""
    return hashlib.sha256(content).hexdigest()


async def about(raw: Raw, path: str) -> dict[str, Any]:
    """Return what the daemon tells of a path."""
    reply = await raw.request("GET", "/files/info", params={"path": path})
    told = reply.json().get(path) if reply.status == 200 else None
    if not isinstance(told, dict):
        raise Broken(f"something about {path!r} was to be told, {reply!r} came")
    return told


async def download(raw: Raw, path: str, *, method: str = "GET", **headers: str) -> Reply:
    """Ask for a file; header names have underscores here."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await raw.request(method, "/files/download", params={"path": path}, headers=sent, timeout_s=20.0)
