"""Mutants of resumable uploads, archives, watches, lines and signed URLs."""

from __future__ import annotations

import json
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, each, each_of, refusal, steady, swallowed
from execd_conformance.mutants.rewrite import Rewrite, route

_CREATE = route("POST", "/files/uploads")
_BELOW = "/files/uploads/"
_ARCHIVE = route("GET", "/directories/archive")
_UNPACK = route("PUT", "/directories/archive")
_WATCH = route("GET", "/files/watch")
_SIGN = route("POST", "/sign")
_DOWNLOAD = route("GET", "/files/download")
Where = Callable[[Request], bool]


def _appends(request: Request) -> bool:
    return request.method == "PATCH" and request.path.startswith(_BELOW)


def _completes(request: Request) -> bool:
    return request.method == "POST" and request.path.startswith(_BELOW) and request.path.endswith("/complete")


def _states(where: Where, change: Callable[[int], int]) -> Making:
    """Tell another offset."""

    def reply(_request: Request, reply: Reply) -> Reply:
        told = reply.mapping
        offset = told.get("offset")
        return reply.with_json({**told, "offset": change(offset)}) if isinstance(offset, int) else reply

    return steady(Rewrite(where=where, reply=reply))


def _instead(where: Where, code: str, status: int = 200, code_instead: str | None = None) -> Making:
    def reply(request: Request, reply: Reply) -> Reply:
        if reply.mapping.get("code") != code:
            return reply
        return answer(request, 200) if code_instead is None else refusal(request, status, code_instead)

    return steady(Rewrite(where=where, reply=reply))


def _without(where: Where, *names: str) -> Making:
    """Do not heed parameters."""

    def ask(request: Request) -> Request:
        return request.with_query([(key, value) for key, value in request.query if key not in names])

    return steady(Rewrite(where=where, ask=ask))


def _header(where: Where, name: str, value: str) -> Making:
    return steady(Rewrite(where=where, ask=lambda request: request.with_header(name, value)))


def _unsigned(token: str | None) -> Rewrite:
    """Let in whoever has a signature, whatever it says."""

    def ask(request: Request) -> Request:
        if request.asks("signature") is None or token is None:
            return request
        bare = request.with_query([pair for pair in request.query if pair[0] not in ("signature", "expires")])
        return bare.with_header("X-EXECD-ACCESS-TOKEN", token)

    return Rewrite(ask=ask)


def _unlimited(token: str | None) -> Rewrite:
    """Let whoever may upload something upload anything."""

    def ask(request: Request) -> Request:
        if request.asks("max_bytes") is None or token is None:
            return request
        bare = request.with_query(
            [pair for pair in request.query if pair[0] not in ("signature", "expires", "max_bytes")]
        )
        return bare.with_header("X-EXECD-ACCESS-TOKEN", token)

    return Rewrite(where=route("PUT", "/files/content"), ask=ask)


def _is_signed(request: Request) -> bool:
    return request.asks("signature") is not None


def _split_move(block: Block) -> Block | None:
    """Tell a move as something that has gone."""
    return block.changed(type="removed", path=block.data.get("src"), src=None, dest=None)


def _first_lines(request: Request) -> Request:
    return request.with_query([(key, "1" if key == "offset" else value) for key, value in request.query])


def _plain(_request: Request, reply: Reply) -> Reply:
    return reply.with_header("content-type", "application/octet-stream")


def _kind(_request: Request, reply: Reply) -> Reply:
    told = reply.mapping
    return reply.with_json({**told, "kind": "command"}) if told.get("kind") == "watch" else reply


def _no_sha(request: Request) -> Request:
    return request.with_body(b"{}") if b"sha256" in request.body else request


def _half(request: Request) -> Request:
    """Take half of an archive for all of it."""
    return request.with_body(request.body[: len(request.body) // 2 // 512 * 512] + bytes(1024))


_PIECES = "pieces_become_a_file"
_CUT = "what_was_cut_goes_on_and_what_is_given_up_is_gone"
_OUT = "a_directory_comes_out_as_an_archive"
_IN = "an_archive_goes_into_a_directory"
_TOLD = "what_changes_is_told"
_KEPT = "a_watch_keeps_to_its_directory"
_RUN = "a_watch_is_a_run"
_OPEN = "whoever_has_the_url_needs_no_token"
_FITS = "a_signature_fits_what_was_signed_and_nothing_else"
_LINES = "lines_are_given_by_number"

MUTANTS = (
    Mutant(
        "upload-created-200",
        "A new upload is answered 200.",
        (f"{_PIECES}/uploads.create",),
        steady(
            Rewrite(where=_CREATE, reply=lambda _r, reply: reply.with_status(200) if reply.status == 201 else reply)
        ),
    ),
    Mutant(
        "upload-offset-ahead",
        "An upload says that it has more.",
        (f"{_PIECES}/uploads.append",),
        _states(_appends, lambda at: at + 1),
    ),
    Mutant(
        "upload-offset-forgotten",
        "Asked how far it is, an upload is at its beginning.",
        (f"{_PIECES}/uploads.offset",),
        _states(lambda request: request.method == "GET" and request.path.startswith(_BELOW), lambda _: 0),
    ),
    Mutant(
        "upload-anywhere",
        "A piece is taken wherever it belongs.",
        (f"{_PIECES}/uploads.offset-mismatch", f"{_PIECES}/error.offset-mismatch"),
        _instead(_appends, "OFFSET_MISMATCH"),
    ),
    Mutant(
        "upload-unchecked",
        "sha256 is not heeded.",
        (f"{_PIECES}/uploads.complete",),
        steady(Rewrite(where=_completes, whole=_no_sha)),
    ),
    Mutant(
        "upload-never-appears",
        "What is complete does not appear.",
        (f"{_PIECES}/uploads.complete",),
        swallowed(_completes),
    ),
    Mutant(
        "upload-too-much-fine",
        "More than was announced is passed over.",
        (f"{_PIECES}/uploads.too-much",),
        _instead(_appends, "PAYLOAD_TOO_LARGE"),
    ),
    Mutant(
        "upload-kept",
        "An upload that is given up stays.",
        (f"{_CUT}/uploads.delete",),
        swallowed(lambda request: request.method == "DELETE" and request.path.startswith(_BELOW)),
    ),
    Mutant(
        "upload-unknown-409",
        "An unknown upload is a conflict.",
        (f"{_CUT}/error.upload-not-found",),
        _instead(lambda request: request.path.startswith(_BELOW), "UPLOAD_NOT_FOUND", 409, "OFFSET_MISMATCH"),
    ),
    Mutant(
        "upload-refused-late",
        "What cannot be written is found out at the end.",
        ("what_cannot_be_written_is_refused_at_once/uploads.refused",),
        steady(
            Rewrite(
                where=_CREATE,
                reply=lambda request, reply: (
                    answer(request, 201, {"upload_id": "x", "offset": 0, "size": 1}) if reply.status == 409 else reply
                ),
            )
        ),
    ),
    Mutant("archive-everything", "exclude is not heeded.", (f"{_OUT}/archive.exclude",), _without(_ARCHIVE, "exclude")),
    Mutant(
        "archive-plain",
        "An archive is never compressed.",
        (f"{_OUT}/archive.coding",),
        _header(_ARCHIVE, "accept-encoding", "identity"),
    ),
    Mutant(
        "archive-empty",
        "An archive has nothing in it.",
        (f"{_OUT}/archive.out",),
        steady(
            Rewrite(
                where=_ARCHIVE, reply=lambda _r, reply: reply.with_body(bytes(1024)) if reply.status == 200 else reply
            )
        ),
    ),
    Mutant(
        "archive-missing-empty",
        "A missing directory is an empty archive.",
        (f"{_OUT}/archive.missing",),
        steady(Rewrite(where=_ARCHIVE, reply=lambda r, reply: answer(r, 200) if reply.status == 404 else reply)),
    ),
    Mutant("unpack-nothing", "Nothing is unpacked.", (f"{_IN}/archive.in", f"{_IN}/archive.torn"), swallowed(_UNPACK)),
    Mutant(
        "unpack-half",
        "Half of an archive is unpacked.",
        (f"{_IN}/archive.in",),
        steady(Rewrite(where=_UNPACK, whole=_half)),
    ),
    Mutant(
        "unpack-leaving-fine",
        "What leaves the directory is passed over in silence.",
        ("an_archive_does_not_leave_its_directory/archive.leaving",),
        steady(Rewrite(where=_UNPACK, reply=lambda r, reply: answer(r, 200) if reply.status >= 400 else reply)),
    ),
    Mutant("watch-flat", "recursive is not heeded.", (f"{_TOLD}/watch.recursive",), _without(_WATCH, "recursive")),
    Mutant(
        "watch-all",
        "Directories in it are always watched.",
        (f"{_KEPT}/watch.recursive",),
        steady(
            Rewrite(
                where=_WATCH,
                ask=lambda r: r.with_query([*[p for p in r.query if p[0] != "recursive"], ("recursive", "true")]),
            )
        ),
    ),
    Mutant(
        "watch-split-moves",
        "A move is a removal.",
        (f"{_TOLD}/watch.move",),
        steady(Rewrite(where=_WATCH, events=each_of("moved", _split_move))),
    ),
    Mutant(
        "watch-no-writes",
        "Content that changes is not told.",
        (f"{_KEPT}/watch.events",),
        steady(Rewrite(where=_WATCH, events=each(lambda event: None if event.type == "modified" else event))),
    ),
    Mutant(
        "watch-missing-200",
        "A missing directory is watched.",
        (f"{_TOLD}/watch.missing",),
        steady(Rewrite(where=_WATCH, reply=lambda r, reply: answer(r, 200) if reply.status == 404 else reply)),
    ),
    Mutant(
        "watch-kind",
        "A watch is told as a command.",
        (f"{_RUN}/watch.run",),
        steady(Rewrite(where=route("GET", "/executions/"), reply=_kind)),
    ),
    Mutant(
        "watch-cause",
        "A watch whose directory is gone was interrupted.",
        (f"{_RUN}/watch.ends",),
        steady(
            Rewrite(
                where=_WATCH, events=each_of("execution_complete", lambda event: event.changed(cause="interrupted"))
            )
        ),
    ),
    Mutant(
        "sign-nothing",
        "A signed URL opens nothing.",
        (f"{_OPEN}/signed.download", f"{_OPEN}/signed.upload", f"{_OPEN}/auth.signature-open"),
        steady(Rewrite(where=_is_signed, ask=lambda request: refusal(request, 401, "UNAUTHORIZED"))),
    ),
    Mutant(
        "sign-everything",
        "Any signature opens any path.",
        tuple(f"{_FITS}/signed.{name}" for name in ("one-path", "altered", "expiry")),
        _unsigned,
    ),
    Mutant("sign-no-limit", "max_bytes is not heeded.", (f"{_OPEN}/signed.limit",), _unlimited),
    Mutant(
        "sign-elsewhere",
        "A signed URL is of another route.",
        (f"{_OPEN}/signed.sign",),
        steady(
            Rewrite(
                where=_SIGN,
                reply=lambda _r, reply: reply.with_body(
                    json.dumps(reply.mapping).replace("/files/", "/file/").encode()
                ),
            )
        ),
    ),
    Mutant(
        "sign-any-method",
        "A signature of one method opens the other.",
        (f"{_FITS}/signed.one-method",),
        lambda token: Rewrite(
            where=route("PUT", "/files/content"),
            ask=lambda request: _unsigned(token).ask(request) if request.asks("max_bytes") is None else request,  # type: ignore[misc]
        ),
    ),
    Mutant(
        "lines-from-the-first",
        "offset is not heeded.",
        (f"{_LINES}/download.lines",),
        steady(Rewrite(where=_DOWNLOAD, ask=_first_lines)),
    ),
    Mutant(
        "lines-all",
        "limit is not heeded.",
        (f"{_LINES}/download.lines", f"{_LINES}/download.lines-refused"),
        _without(_DOWNLOAD, "limit"),
    ),
    Mutant(
        "lines-no-text",
        "Lines are no text.",
        (f"{_LINES}/download.lines",),
        steady(Rewrite(where=_DOWNLOAD, head=_plain)),
    ),
)
