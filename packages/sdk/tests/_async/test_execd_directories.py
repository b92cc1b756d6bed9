"""Whole directories sent and fetched, watches, and signed URLs, with a real daemon."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from opensandbox import FileChange, Sandbox
from opensandbox.exceptions import FileNotFoundException, NotADirectoryException

from ..conftest import RunningDaemon
from ..worlds import cutting_proxy, random_cuts


@pytest.fixture
async def sandbox(execd: RunningDaemon) -> AsyncIterator[Sandbox]:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


@pytest.fixture
def place(execd: RunningDaemon) -> Path:
    """A directory of the test's own in the sandbox."""
    return Path(tempfile.mkdtemp(dir=execd.root))


def fill(root: Path) -> None:
    for path in ("a.py", "a.pyc", "deep/er/b.py", "node_modules/x", "build/out", "deep/build/in"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "a.py").chmod(0o755)
    (root / "big").write_bytes(os.urandom(2_500_000))
    (root / "link").symlink_to("deep/er/b.py")


def tree(root: Path) -> dict[str, tuple[bytes | str, int]]:
    """Return what is below a directory: content or target, and mode."""
    found: dict[str, tuple[bytes | str, int]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = os.readlink(path), 0
        elif path.is_file():
            found[name] = path.read_bytes(), path.stat().st_mode & 0o7777
    return found


async def test_a_directory_goes_up_and_comes_back(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    fill(tmp_path / "src")
    await sandbox.files.upload_directory(tmp_path / "src", place / "new/src")
    (place / "new/src/more").write_text("more")
    await sandbox.files.upload_directory(tmp_path / "src", place / "new/src")
    await sandbox.files.download_directory(place / "new/src", tmp_path / "back/src")

    (place / "new/src/more").unlink()
    (tmp_path / "back/src/more").unlink()
    assert tree(place / "new/src") == tree(tmp_path / "src") == tree(tmp_path / "back/src")


async def test_what_is_ignored_stays_where_it_is(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    fill(tmp_path / "src")
    fill(place / "src")
    patterns = ["*.pyc", "node_modules", "build/**", "big"]
    await sandbox.files.upload_directory(tmp_path / "src", place / "up", ignore=patterns)
    await sandbox.files.download_directory(place / "src", tmp_path / "down", ignore=patterns)

    assert sorted(tree(place / "up")) == ["a.py", "deep/build/in", "deep/er/b.py", "link"]
    assert sorted(tree(tmp_path / "down")) == sorted(tree(place / "up"))
    with pytest.raises(TypeError):
        await sandbox.files.upload_directory(tmp_path / "src", place / "up", ignore="*.pyc")


async def test_a_link_that_leads_out_is_sent_as_what_it_leads_to(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "shared").write_text("shared")
    (tmp_path / "src/absolute").symlink_to(tmp_path / "shared")
    (tmp_path / "src/relative").symlink_to("../shared")
    await sandbox.files.upload_directory(tmp_path / "src", place / "src")
    assert (place / "src/absolute").read_text() == (place / "src/relative").read_text() == "shared"
    assert not (place / "src/absolute").is_symlink()

    (tmp_path / "src/loop").symlink_to("..")
    with pytest.raises(OSError, match="around"):
        await sandbox.files.upload_directory(tmp_path / "src", place / "src")


async def test_what_would_lead_out_of_here_is_not_unpacked(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    (place / "evil").symlink_to("/etc")
    with pytest.raises(OSError, match="evil"):
        await sandbox.files.download_directory(place, tmp_path / "back")
    assert os.listdir(tmp_path / "back") == []
    await sandbox.files.download_directory(place, tmp_path / "back", ignore=["evil"])


async def test_directories_that_are_none_are_told(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    (place / "file").touch()
    with pytest.raises(FileNotFoundException):
        await sandbox.files.download_directory(place / "gone", tmp_path / "gone")
    with pytest.raises(NotADirectoryError):
        await sandbox.files.upload_directory(tmp_path / "gone", place / "gone")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/x").touch()
    with pytest.raises(NotADirectoryException):
        await sandbox.files.upload_directory(tmp_path / "src", place / "file")


async def changes(sandbox: Sandbox, place: Path, *, until: str) -> list[str]:
    """Return what is told, up to a path that appears."""
    found: list[str] = []
    async with sandbox.files.watch(place, recursive=True) as watch:
        (place / "x/y").mkdir(parents=True)
        (place / "x/y/file").touch()
        (place / "x").rename(place / "z")
        (place / until).touch()
        async for change in watch:
            found.append(shown(change, place))
            if change.path == f"{place}/{until}":
                break
    return found


def shown(change: FileChange, place: Path) -> str:
    paths = [path.removeprefix(f"{place}/") for path in (change.src, change.path) if path is not None]
    return " ".join([change.type, *paths])


async def test_changes_are_told_as_they_happen(sandbox: Sandbox, place: Path) -> None:
    found = [line for line in await changes(sandbox, place, until="last") if not line.startswith("modified")]
    assert found[0] == "created x"
    assert found[-1] == "created last"
    assert "moved x z" in found
    # Its content is told under the name that it has when somebody looks into it.
    assert {"created x/y/file", "created z/y/file"} & set(found)


async def test_a_watch_goes_on_where_it_was_cut(execd: RunningDaemon, place: Path) -> None:
    with cutting_proxy(execd.address) as proxy:
        async with await Sandbox.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.cuts = random_cuts(3, cuts=4, largest=400)
            async with sandbox.files.watch(place) as watch:
                for number in range(200):
                    (place / f"{number:03}").touch()
                seen: list[str] = []
                async for change in watch:
                    if change.type == "created":
                        seen.append(change.path)
                    if change.path.endswith("/199"):
                        break
    assert seen == [f"{place}/{number:03}" for number in range(200)]


async def test_a_watch_that_is_left_is_over(sandbox: Sandbox, place: Path) -> None:
    async with sandbox.files.watch(place):
        pass
    async with sandbox.files.watch(place) as watch:
        os.rmdir(place)
        assert [change.type async for change in watch] == ["removed"]
    with pytest.raises(FileNotFoundException):
        async with sandbox.files.watch(place / "gone"):
            pass


def ask(method: str, url: str, content: bytes = b"") -> httpx.Response:
    """Ask as somebody who knows nothing but the URL."""
    return httpx.request(method, url, content=content, timeout=10)


async def test_a_signed_url_needs_no_token(sandbox: Sandbox, place: Path) -> None:
    (place / "a b&c").write_text("content")
    get = await sandbox.files.signed_url(place / "a b&c", expires=60)
    put = await sandbox.files.signed_url(place / "new", method="PUT", max_bytes=4)
    assert ask("GET", get).text == "content"
    assert ask("PUT", put, b"12345").status_code == 413
    assert ask("PUT", put, b"1234").status_code == 200
    assert ask("GET", get.replace("path=", "path=x")).status_code == 401
    assert (place / "new").read_text() == "1234"
    with pytest.raises(ValueError, match="expires"):
        await sandbox.files.signed_url(place / "new", expires=0)
