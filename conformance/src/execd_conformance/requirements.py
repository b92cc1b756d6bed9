"""The contract, one obligation at a time: ids and their sentences, from spec/requirements.

The distribution carries the files beside this module; in the source tree they are where they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = "texts"
"""Where the wheel has the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One obligation."""

    id: str
    text: str
    section: str
    compat: bool = False
    routes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """Named tests of the daemon or the SDK that prove it."""
    reason: str = ""
    """Why nothing proves it."""


class Malformed(Exception):
    """A file of requirements that is not as it should be; one line says where and what."""


@cache
def load() -> dict[str, Requirement]:
    """Return the requirements by id."""
    return {each.id: each for each in read(folder())}


def folder() -> Path:
    """Return where the files are."""
    inside = Path(__file__).with_name(FOLDER)
    return inside if inside.is_dir() else Path(__file__).parents[3] / "spec" / "requirements"


def read(where: Path) -> Iterator[Requirement]:
    """Yield the requirements of a folder's files; `Malformed` where one is not as it should be."""
    seen: set[str] = set()
    for path in sorted(where.glob("*.yaml")):
        for each in _of_file(path):
            if each.id in seen:
                raise Malformed(f"{path.name}: {each.id} is there already")
            seen.add(each.id)
            yield each


def _of_file(path: Path) -> Iterator[Requirement]:
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise Malformed(f"{path.name}: {' '.join(str(fault).split())}") from None
    if not isinstance(document, dict) or set(document) != {"section", "requirements"}:
        raise Malformed(f"{path.name}: has `section` and `requirements`, and nothing else")
    if not isinstance(document["requirements"], list):
        raise Malformed(f"{path.name}: `requirements` is a list")
    for fields in document["requirements"]:
        yield _requirement(path.name, str(document["section"]), fields)


def _requirement(file: str, section: str, fields: Any) -> Requirement:
    known = {"id", "text", "compat", "routes", "tests", "reason"}
    if not isinstance(fields, dict) or not {"id", "text"} <= set(fields) <= known:
        may = ", ".join(sorted(known - {"id", "text"}))
        raise Malformed(f"{file}: a requirement has `id` and `text`, and may have {may}, unlike {_start(fields)}")
    if any(not isinstance(fields.get(name) or [], list) for name in ("routes", "tests")):
        raise Malformed(f"{file}: `routes` and `tests` are lists, unlike {_start(fields)}")
    return Requirement(
        id=str(fields["id"]),
        text=" ".join(str(fields["text"]).split()),
        section=section,
        compat=bool(fields.get("compat", False)),
        routes=tuple(map(str, fields.get("routes") or ())),
        tests=tuple(map(str, fields.get("tests") or ())),
        reason=" ".join(str(fields.get("reason") or "").split()),
    )


def _start(value: object) -> str:
    return repr(value)[:120]
