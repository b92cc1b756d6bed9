"""Mutants of what files are said to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, steady
from execd_conformance.mutants.rewrite import Rewrite, route

_INFO = route("GET", "/files/info")


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
)
