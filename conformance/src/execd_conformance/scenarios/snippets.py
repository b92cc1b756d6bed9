"""`written`: the seed's own text, run word by word as the body of an asynchronous program."""

from __future__ import annotations

import ast
import inspect
from typing import Any


async def written(snippet: str, names: dict[str, Any], *, workspace: str | None = None) -> list[str]:
    """Run a snippet with these names, which keep what it makes, and return the lines that it prints.

    `workspace` stands for `/workspace`, which a daemon need not be able to write.
    """
    said: list[str] = []

    def tell(*values: object) -> None:
        said.extend(" ".join(map(str, values)).split("\n"))

    text = snippet.replace("/workspace", workspace) if workspace else snippet
    code = compile(text, "<seed>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names["print"] = tell
    try:
        running = eval(code, names)  # noqa: S307 - it is the suite's own text
        if inspect.isawaitable(running):
            await running
    finally:
        del names["print"]
    return said
