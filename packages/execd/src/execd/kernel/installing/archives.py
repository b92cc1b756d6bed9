"""Archives of packages: checked against the hash of whom we trust, and unpacked without anything of them being run."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

from execd.kernel.installing.means import Missing

_PACKAGE: Final = "package/"
_EXECUTABLE: Final = 0o111
_OPEN: Final = 0o755


def check(archive: str, integrity: str) -> None:
    """Compare an archive with its hash, in npm's notation; raises `Missing`."""
    algorithm, _, expected = integrity.partition("-")
    with open(archive, "rb") as file:
        found = hashlib.file_digest(file, algorithm).digest()
    if base64.b64decode(expected) != found:
        raise Missing(f"{os.path.basename(archive)} is not what was published under this name: its hash differs")


def unpack_package(archive: str, directory: str, *, keep: Sequence[str] = ()) -> None:
    """Unpack an archive of npm's: the files that match one of `keep`, or all."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.partition("/")[2]
            # By hand: the filters of extraction came with 3.11.4, and a distribution's Python may be older.
            if not _inside(name) or not _kept(name, keep) or not (file := _opened(tar, member)):
                continue
            target = Path(directory, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with file, target.open("wb") as out:
                shutil.copyfileobj(file, out)
            target.chmod(_OPEN if member.mode & _EXECUTABLE else 0o644)


def _inside(name: str) -> bool:
    return bool(name) and not name.startswith("/") and ".." not in name.split("/")


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return tar.extractfile(member) if member.isfile() else None


def unpack_wheel(archive: str, directory: str, *, below: str, programs: Iterable[str]) -> None:
    """Unpack what a wheel has in one directory; those that match `programs` may be run."""
    patterns = tuple(programs)
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            own = name.removeprefix(below)
            if own == name or name.endswith("/") or not _inside(own):
                continue
            target = Path(directory, own)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(name))
            if _kept(own, patterns):
                target.chmod(_OPEN)


def _kept(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def let_run(directory: str, patterns: Iterable[str]) -> None:
    """Let programs be run, and everything be written by its owner."""
    wanted = tuple(patterns)
    for root, _, names in os.walk(directory):
        os.chmod(root, _OPEN)
        for name in names:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                mode = _OPEN if _kept(os.path.relpath(path, directory), wanted) else 0o644
                os.chmod(path, mode | (os.stat(path).st_mode & _EXECUTABLE))
