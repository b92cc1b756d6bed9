"""What a notebook and a terminal show of a cell."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Final

_IMAGES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_COLOURS: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_PRE: Final = "font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:0"


def seen(text: str) -> str:
    """Return text as it looks in the end: what a progress bar has written over is gone, and so are colours.

    >>> seen("10%\\r20%\\r100%\\n\\x1b[31mdone\\x1b[0m")
    '100%\\ndone'
    """
    return "\n".join(_line(line) for line in _COLOURS.sub("", text).split("\n"))


def _line(line: str) -> str:
    if "\r" not in line:
        return line
    shown = ""
    for part in line.removesuffix("\r").split("\r"):
        shown = part + shown[len(part) :]
    return shown


def result(mime: Mapping[str, str]) -> str:
    """Return what a result shows, as HTML: the richest form that HTML can hold."""
    if "text/html" in mime:
        return mime["text/html"]
    if "image/svg+xml" in mime:
        return mime["image/svg+xml"]
    for kind in _IMAGES:
        if kind in mime:
            return f'<img src="data:{kind};base64,{"".join(mime[kind].split())}"/>'
    for kind in ("text/latex", "text/markdown", "text/plain"):
        if kind in mime:
            return pre(mime[kind])
    return pre(next(iter(mime.values()), ""))


def pre(text: str, colour: str = "inherit") -> str:
    """Return text as HTML, as it looks in the end."""
    return f'<pre style="{_PRE};color:{colour}">{html.escape(seen(text), quote=False)}</pre>'


def page(parts: Iterable[str]) -> str:
    """Return parts one below the other."""
    return "".join(f"<div>{part}</div>" for part in parts)
