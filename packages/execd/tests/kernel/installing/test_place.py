"""Directories that are there whole or not at all, whoever installs at the same time or was killed at it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from execd.kernel.installing.means import Missing
from execd.kernel.installing.place import alone, becoming, part, remove

LIMIT_S = 10


def test_what_is_made_takes_its_place_whole_and_that_of_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "there"
    for text in ("old", "new"):
        with becoming(str(place)) as made:
            Path(made, "file").write_text(text)
            assert not place.exists() or (place / "file").read_text() == "old"
        assert (place / "file").read_text() == text
    assert os.listdir(tmp_path) == ["there"]
    assert place.stat().st_mode & 0o777 == 0o755


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "there"
    with becoming(str(place)) as made:
        Path(made, "file").write_text("old")
    with suppress(ZeroDivisionError), becoming(str(place)) as made:
        Path(made, "file").write_text("half")
        raise ZeroDivisionError
    assert (place / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["there"]


def test_what_was_left_behind_is_removed_write_protected_or_not(tmp_path: Path) -> None:
    deep = tmp_path / "toolchains" / ".part-left" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    deep.chmod(0o555)
    deep.parent.chmod(0o555)

    async def install() -> None:
        async with alone(str(tmp_path)):
            assert os.listdir(tmp_path / "toolchains") == []

    asyncio.run(install())


def test_one_installation_waits_for_another(tmp_path: Path) -> None:
    inside: list[str] = []

    async def install(name: str) -> None:
        async with alone(str(tmp_path)):
            inside.append(name)
            with part(str(tmp_path)):
                await asyncio.sleep(0)
                assert inside[-1] == name
            inside.append(name)

    async def all_of_them() -> None:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*map(install, "abc"))

    asyncio.run(all_of_them())
    assert inside[::2] == inside[1::2]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def install() -> None:
        async with alone(str(tmp_path / "file" / "kernels")):
            pytest.fail("it was made")

    with pytest.raises(Missing, match="cannot be written to: Not a directory") as missing:
        asyncio.run(install())
    assert missing.value.commands == ("execd kernels install --kernels-dir DIRECTORY",)


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["kept"]
