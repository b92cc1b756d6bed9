"""Mutants of uploads: bytes, modes and owners on their way in."""

from __future__ import annotations

import re
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, steady
from execd_conformance.mutants.rewrite import Rewrite, route

_UPLOAD = route("POST", "/files/upload")


def _uploads(change: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_UPLOAD, whole=change))


def _boundary(request: Request) -> bytes:
    found = re.search(r'boundary="?([^";]+)', request.header("content-type") or "")
    return b"--" + (found[1].encode("latin-1") if found else b"")


def _upload_altered(request: Request) -> Request:
    """Change one byte of the last part."""
    end = request.body.rfind(b"\r\n" + _boundary(request) + b"--")
    head = request.body.rfind(b"\r\n\r\n", 0, max(end, 0))
    if end < 0 or end - head <= 4:
        return request
    at = end - 1
    return request.with_body(request.body[:at] + bytes([request.body[at] ^ 1]) + request.body[at + 1 :])


def _metadata_dropped(*names: str) -> Callable[[Request], Request]:
    """Upload without heeding these fields of the metadata."""
    fields = "|".join(names)
    pattern = re.compile(
        rb'(?:,\s*"(?:%b)"\s*:\s*[^,{}]+)|(?:"(?:%b)"\s*:\s*[^,{}]+,\s*)' % (fields.encode(), fields.encode())
    )

    def ask(request: Request) -> Request:
        return request.with_body(pattern.sub(b"", request.body))

    return ask


def _mode_as_decimal(request: Request) -> Request:
    """Read a mode's digits as the decimal number that they look like."""

    def octal(found: re.Match[bytes]) -> bytes:
        return found[1] + b'"0%o"' % (int(found[2]) & 0o7777)

    return request.with_body(re.sub(rb'("mode"\s*:\s*)([1-9]\d*)(?=[,}])', octal, request.body))


def _first_file(request: Request) -> Request:
    """Take the first file of several."""
    boundary = _boundary(request)
    parts = request.body.split(boundary)
    return request if len(parts) <= 4 else request.with_body(boundary.join([*parts[:3], parts[-1]]))


def _upload_swallowed(request: Request) -> Reply:
    return answer(request, 200)


MUTANTS = (
    Mutant(
        "upload-altered",
        "One byte of an upload is another.",
        ("files_are_written/upload.content",),
        _uploads(_upload_altered),
    ),
    Mutant(
        "upload-swallowed",
        "Uploads are answered and not done.",
        ("files_are_written/upload.content",),
        _uploads(_upload_swallowed),
    ),
    Mutant(
        "upload-of-first",
        "Only the first file of an upload is written.",
        ("files_are_written/upload.pairs",),
        _uploads(_first_file),
    ),
    Mutant(
        "upload-mode-dropped",
        "The mode of an upload is ignored.",
        ("files_are_written/upload.mode",),
        _uploads(_metadata_dropped("mode")),
    ),
    Mutant(
        "upload-mode-decimal",
        "The digits of a mode are a decimal number.",
        ("files_are_written/upload.mode",),
        _uploads(_mode_as_decimal),
    ),
    Mutant(
        "upload-create-mode-dropped",
        "create_mode is ignored.",
        ("the_mode_of_a_new_file/upload.create-mode",),
        _uploads(_metadata_dropped("create_mode")),
    ),
    Mutant(
        "upload-owner-dropped",
        "The owner of an upload is ignored.",
        ("owners/upload.owner",),
        _uploads(_metadata_dropped("owner", "group")),
    ),
)
