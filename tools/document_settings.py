"""Write the table of the daemon's settings into docs/settings.md, or `--check` that it is there as it should be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from execd.settings import Row, rows

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD: Final = """# Settings

Each setting of `execd serve` is a flag, a variable, and a key of a TOML file (`--config`, `EXECD_CONFIG`) that has the
variable's name in lower case without `EXECD_`. A flag wins over a variable, a variable over the file; an empty variable
is unset. Lists are separated by commas. The flags `--graceful-shutdown-timeout`, `--jupyter-host` and `--jupyter-token`
of the original daemon are accepted without effect.

A lease (`--lease-s`) may last a quarter of itself longer, 5 s at most: the daemon asks once more before it ends.

`PYTHON_VERSION`, `JAVA_VERSION`, `NODE_VERSION` and `GO_VERSION` choose among the versions that are installed, for code
and for commands ([languages](languages.md#versions)); those with `EXECD_` in front win over them.

This page is made from `settings.py` by `python tools/document_settings.py`.

| flag | variable | type | default | what it does |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(map(_line, rows()))


def _line(row: Row) -> str:
    default = "" if row.default in (None, ()) else f"`{row.default}`"
    return f"| `{row.flag}` | `{row.variable}` | {row.type} | {default} | {row.help} |\n"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), "utf-8")
    elif PAGE.read_text("utf-8") != page():
        sys.exit("docs/settings.md is stale: run python tools/document_settings.py")
