"""Mutants of files: what they are said to be, their bytes in, their bytes out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from execd_conformance.mutants.messages import Reply, Request, sized
from execd_conformance.mutants.mutant import Making, Mutant, answer, refusal, steady
from execd_conformance.mutants.rewrite import Cut, Pieces, Rewrite, route

_INFO, _UPLOAD = route("GET", "/files/info"), route("POST", "/files/upload")


def _downloads(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and request.path == "/files/download"


def _infos(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Making:
    """Change what is told of each path."""

    def reply(_request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        return reply.with_json({path: change(info) for path, info in reply.mapping.items()})

    return steady(Rewrite(where=_INFO, reply=reply))


def _told(**changed: object) -> Making:
    return _infos(lambda info: {key: value for key, value in {**info, **changed}.items() if value is not None})


def _as_number(info: dict[str, Any]) -> dict[str, Any]:
    """Give the mode as the number that it is, in place of its octal digits."""
    return {**info, "mode": int(str(info["mode"]), 8)}


def _nine_bits(info: dict[str, Any]) -> dict[str, Any]:
    return {**info, "mode": info["mode"] % 1000}


def _size_short(info: dict[str, Any]) -> dict[str, Any]:
    return {**info, "size": max(info["size"] - 1, 0)}


def _followed(info: dict[str, Any]) -> dict[str, Any]:
    return {**info, "type": "file", "target": None} if info["type"] == "symlink" else info


def _missing_left_out(request: Request, reply: Reply) -> Reply:
    return answer(request, 200, {}) if reply.status == 404 else reply


def _heads(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(where=_downloads, head=change))


def _without(name: str) -> Making:
    return _heads(lambda _request, reply: reply.without_header(name))


def _tags(_token: str | None) -> Rewrite:
    count = itertools.count()
    return Rewrite(where=_downloads, head=lambda _r, reply: reply.with_header("etag", f'"{next(count)}"'))


def _one_tag(_request: Request, reply: Reply) -> Reply:
    return reply.with_header("etag", '"always"') if reply.header("etag") else reply


def _ask_less(*names: str) -> Making:
    """Ask for a file without these headers."""

    def ask(request: Request) -> Request:
        kept = tuple((key, value) for key, value in request.headers if key.decode("latin-1").lower() not in names)
        return Request(method=request.method, target=request.target, headers=kept, body=request.body)

    return steady(Rewrite(where=_downloads, ask=ask))


def _moved_range(request: Request) -> Request:
    """Begin one byte later."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range") or "")
    return request if found is None else request.with_header("range", f"bytes={int(found[1]) + 1}-{found[2]}")


def _short_range(request: Request) -> Request:
    """Take the end of a range for one that does not belong to it."""
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.header("range") or "")
    if found is None or int(found[2]) <= int(found[1]):
        return request
    return request.with_header("range", f"bytes={found[1]}-{int(found[2]) - 1}")


def _suffix_as_first(request: Request) -> Request:
    """Take the last bytes for the first ones."""
    found = re.fullmatch(r"bytes=-(\d+)", request.header("range") or "")
    return request if found is None or found[1] == "0" else request.with_header("range", f"bytes=0-{int(found[1]) - 1}")


def _asks(change: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_downloads, ask=change))


def _wholes(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(where=_downloads, reply=change))


def _range_as_whole(_request: Request, reply: Reply) -> Reply:
    return reply.with_status(200) if reply.status == 206 else reply


def _truncated(request: Request, reply: Reply) -> Reply:
    """Leave the last byte out, and count right."""
    return reply.with_body(reply.body[:-1]) if _has_bytes(request, reply) else reply


def _cut_short(request: Request, reply: Reply) -> Reply:
    """Leave the last byte out, and say that it comes."""
    if not _has_bytes(request, reply):
        return reply
    return Reply(
        status=reply.status, reason=reply.reason, headers=sized(reply.headers, reply.body), body=reply.body[:-1]
    )


def _altered(request: Request, reply: Reply) -> Reply:
    """Change one byte in the middle."""
    if not _has_bytes(request, reply):
        return reply
    middle = len(reply.body) // 2
    return reply.with_body(reply.body[:middle] + bytes([reply.body[middle] ^ 1]) + reply.body[middle + 1 :])


def _as_text(request: Request, reply: Reply) -> Reply:
    """Send a file as if it were text with the line ends of another system."""
    return reply.with_body(reply.body.replace(b"\r\n", b"\n")) if _has_bytes(request, reply) else reply


def _has_bytes(request: Request, reply: Reply) -> bool:
    return request.method == "GET" and reply.status in {200, 206} and bool(reply.body)


async def _cut(_request: Request, pieces: Pieces) -> Pieces:
    sent = 0
    async for piece in pieces:
        yield piece
        sent += len(piece)
        if sent > 1_000_000:
            raise Cut


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


def _directory_as_file(_request: Request, reply: Reply) -> Reply:
    return reply.with_status(200).with_body(b"") if reply.status == 409 else reply


def _missing_as_empty(_request: Request, reply: Reply) -> Reply:
    return reply.with_status(200).with_body(b"") if reply.status == 404 else reply


def _unsatisfied_as_whole(request: Request, reply: Reply) -> Reply:
    return refusal(request, 400, "INVALID_QUERY") if reply.status == 416 else reply


def _unranged(_request: Request, reply: Reply) -> Reply:
    return reply.without_header("content-range") if reply.status == 416 else reply


def _no_count(_request: Request, reply: Reply) -> Reply:
    return reply.without_header("content-range") if reply.status == 206 else reply


def _plain_name(_request: Request, reply: Reply) -> Reply:
    """Write the file's name into the header as it is, as far as a header can hold it."""
    if reply.header("content-disposition") is None:
        return reply
    return reply.with_header("content-disposition", 'attachment; filename="file"')


def _lossy(_request: Request, reply: Reply) -> Reply:
    """Do not tell a name's bytes."""
    return reply.with_body(re.sub(rb',?"path_b64":"[^"]*"', b"", reply.body)) if reply.status == 200 else reply


MUTANTS = (
    Mutant(
        "mode-as-number",
        "Modes are decimal numbers, 420 for 644.",
        ("files_are_told_as_they_are/mode.decimal",),
        _infos(_as_number),
    ),
    Mutant(
        "mode-nine-bits",
        "Modes lack the bits beyond 777.",
        ("entries_of_every_kind_are_told/mode.twelve-bits",),
        _infos(_nine_bits),
    ),
    Mutant(
        "mode-text",
        "Modes are text.",
        ("files_are_told_as_they_are/mode.decimal",),
        _infos(lambda info: {**info, "mode": str(info["mode"])}),
    ),
    Mutant("size-short", "Sizes are one byte short.", ("files_are_told_as_they_are/info.size",), _infos(_size_short)),
    Mutant(
        "link-followed",
        "Links are said to be files.",
        ("entries_of_every_kind_are_told/info.type", "entries_of_every_kind_are_told/info.link"),
        _infos(_followed),
    ),
    Mutant(
        "link-without-target",
        "Links do not tell their target.",
        ("entries_of_every_kind_are_told/info.link",),
        _told(target=None),
    ),
    Mutant(
        "owner-missing",
        "Owner and group are not told.",
        ("files_are_told_as_they_are/info.owner",),
        _told(owner=None, group=None),
    ),
    Mutant(
        "owner-number",
        "Owners are numbers.",
        ("entries_of_every_kind_are_told/info.owner",),
        _infos(lambda info: {**info, "owner": 0, "group": 0}),
    ),
    Mutant("type-missing", "The type is not told.", ("entries_of_every_kind_are_told/info.type",), _told(type=None)),
    Mutant(
        "modified-now",
        "Files were modified long ago.",
        ("files_are_told_as_they_are/info.times",),
        _told(modified_at="2001-01-01T00:00:00.000Z"),
    ),
    Mutant(
        "path-relative",
        "Paths are told as names.",
        ("entries_of_every_kind_are_told/info.absolute",),
        _infos(lambda info: {**info, "path": info["path"].rpartition("/")[2]}),
    ),
    Mutant(
        "name-lossy",
        "The bytes of strange names are not told.",
        ("a_name_that_is_no_text/path.not-utf8-told",),
        steady(Rewrite(where=_INFO, reply=_lossy)),
    ),
    Mutant(
        "info-of-missing",
        "What is missing is left out.",
        ("files_are_told_as_they_are/info.missing",),
        steady(Rewrite(where=_INFO, reply=_missing_left_out)),
    ),
    Mutant(
        "range-ignored", "Ranges are ignored.", ("one_range_is_exactly_those_bytes/download.range",), _ask_less("range")
    ),
    Mutant(
        "range-one-late",
        "Ranges begin one byte late.",
        ("one_range_is_exactly_those_bytes/download.range",),
        _asks(_moved_range),
    ),
    Mutant(
        "range-one-short",
        "Ranges end one byte early.",
        ("one_range_is_exactly_those_bytes/download.range",),
        _asks(_short_range),
    ),
    Mutant(
        "range-suffix-first",
        "The last bytes are the first ones.",
        ("one_range_is_exactly_those_bytes/download.range-suffix",),
        _asks(_suffix_as_first),
    ),
    Mutant(
        "range-as-200",
        "Ranges are answered 200.",
        ("one_range_is_exactly_those_bytes/download.range",),
        _wholes(_range_as_whole),
    ),
    Mutant(
        "range-uncounted",
        "A range does not say what it is of.",
        ("one_range_is_exactly_those_bytes/download.content-range",),
        _heads(_no_count),
    ),
    Mutant(
        "range-bad-as-400",
        "A range beyond the file is 400.",
        ("one_range_is_exactly_those_bytes/download.range-unsatisfiable",),
        _wholes(_unsatisfied_as_whole),
    ),
    Mutant(
        "range-bad-unsized",
        "416 does not tell the size.",
        ("one_range_is_exactly_those_bytes/download.range-unsatisfiable",),
        _heads(_unranged),
    ),
    Mutant(
        "range-of-changed", "If-Range is ignored.", ("ranges_of_other_kinds/download.if-range",), _ask_less("if-range")
    ),
    Mutant(
        "etag-changing", "The tag of a file changes at every look.", ("what_is_told_of_a_file/download.etag",), _tags
    ),
    Mutant(
        "etag-constant", "The tag of a file never changes.", ("what_is_told_of_a_file/download.etag",), _heads(_one_tag)
    ),
    Mutant("etag-missing", "Files have no tag.", ("what_is_told_of_a_file/download.etag",), _without("etag")),
    Mutant(
        "modified-untold",
        "Downloads do not tell when a file was modified.",
        ("what_is_told_of_a_file/download.last-modified",),
        _without("last-modified"),
    ),
    Mutant(
        "known-sent-again",
        "What the asker has is sent again.",
        ("what_is_told_of_a_file/download.not-modified",),
        _ask_less("if-none-match", "if-modified-since"),
    ),
    Mutant(
        "name-untold",
        "Downloads do not tell the file's name.",
        ("the_name_of_a_file_is_in_its_header/download.disposition",),
        _without("content-disposition"),
    ),
    Mutant(
        "name-plain",
        "Downloads all have one name.",
        ("the_name_of_a_file_is_in_its_header/download.disposition",),
        _heads(_plain_name),
    ),
    Mutant(
        "ranges-untold",
        "Downloads do not say that ranges can be had.",
        ("what_is_told_of_a_file/download.accept-ranges",),
        _without("accept-ranges"),
    ),
    Mutant(
        "download-truncated",
        "Downloads lack their last byte, and count right.",
        ("a_file_comes_whole/download.whole", "a_file_comes_whole/download.length"),
        _wholes(_truncated),
    ),
    Mutant(
        "download-cut-short",
        "Downloads lack their last byte, and break off.",
        ("a_file_comes_whole/download.whole",),
        _wholes(_cut_short),
    ),
    Mutant(
        "download-cut",
        "Downloads break off after a megabyte.",
        ("a_large_file_goes_in_and_comes_out/download.whole",),
        steady(Rewrite(where=_downloads, pieces=_cut)),
    ),
    Mutant(
        "download-altered",
        "One byte of a download is another.",
        ("a_file_comes_whole/download.whole",),
        _wholes(_altered),
    ),
    Mutant(
        "download-as-text",
        "Line ends are converted.",
        ("a_large_file_goes_in_and_comes_out/download.whole",),
        _wholes(_as_text),
    ),
    Mutant(
        "download-of-directory",
        "A directory is an empty file.",
        ("what_has_no_bytes_or_does_not_know_how_many/download.directory",),
        _wholes(_directory_as_file),
    ),
    Mutant(
        "download-of-missing",
        "A missing file is an empty one.",
        ("a_file_comes_whole/download.missing",),
        _wholes(_missing_as_empty),
    ),
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
