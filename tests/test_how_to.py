"""Every block of the how-to pages runs as it stands there, and prints what it says."""

from __future__ import annotations

import getpass
import os
import re
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from opensandbox import Sandbox, WriteEntry, exceptions
from packages.sdk.tests.conftest import RunningDaemon, execd

__all__ = ["execd"]

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = "".join((DOCS / page).read_text() for page in ("how-to.md", "files.md"))
SECTIONS = [section.partition("\n")[::2] for section in PAGES.split("\n## ")[1:]]
BLOCKS = {title: "".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)) for title, text in SECTIONS}
TASKS = [title for title, block in BLOCKS.items() if block]
SAID = re.compile(r"# → (.*)$", re.MULTILINE)


@pytest.fixture
async def sandbox(execd: RunningDaemon) -> AsyncIterator[Sandbox]:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as connected:
        yield connected


def test_every_block_says_what_it_prints() -> None:
    assert len(TASKS) == PAGES.count("```python")
    assert all(SAID.search(BLOCKS[task]) for task in TASKS)


@pytest.mark.parametrize("task", TASKS)
async def test_a_block_prints_what_it_says(task: str, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "local.txt").write_text("of here")
    said: list[str] = []
    names: dict[str, Any] = {
        **{name: getattr(exceptions, name) for name in dir(exceptions) if name.endswith("Exception")},
        "Path": Path,
        "WriteEntry": WriteEntry,
        "here": tmp_path,
        "httpx": httpx,
        "os": os,
        "getpass": getpass,
        "print": lambda *values: said.append(" ".join(map(str, values))),
    }
    exec("async def block(sandbox):\n" + textwrap.indent(BLOCKS[task], "    "), names)
    await names["block"](sandbox)
    assert [line.rstrip() for line in said] == SAID.findall(BLOCKS[task])
