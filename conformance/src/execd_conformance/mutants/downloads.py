"""Mutants of downloads: bytes on their way out, ranges, tags."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request, sized
from execd_conformance.mutants.mutant import Making, Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Cut, Pieces, Rewrite


def _downloads(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and request.path == "/files/download"


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


MUTANTS = (
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
)
