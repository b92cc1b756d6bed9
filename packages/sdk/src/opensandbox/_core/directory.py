"""A directory on this side as a tar stream, and a tar stream as a directory on this side. Blocking calls.

Links that stay inside are links; one that leads out of the directory is sent as what it leads to, for there would be
nothing at its end.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from opensandbox._core.ignoring import Ignored
from opensandbox._core.local_files import LocalPath

BLOCK: Final = 1024 * 1024
_RECORD: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _RECORD)
_KEPT_BITS: Final = 0o777


def packed(root: LocalPath, ignored: Ignored) -> Iterator[bytes]:
    """Yield a directory as a tar stream; raises `OSError` for what cannot be read or changes meanwhile."""
    top = os.path.realpath(root)
    if not os.path.isdir(top):
        raise NotADirectoryError(f"{os.fspath(root)!r} is no directory")
    yield from _below(top, "", ignored, top=top, around=(_identity(top),))
    yield _END


def _below(
    directory: str, prefix: str, ignored: Ignored, *, top: str, around: tuple[tuple[int, int], ...]
) -> Iterator[bytes]:
    for name in sorted(os.listdir(directory)):
        path, place = f"{directory}/{name}", prefix + name
        if ignored(place):
            continue
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            if _stays(path, top):
                yield _header(place, found, target=os.readlink(path))
                continue
            found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            if (found.st_dev, found.st_ino) in around:
                raise OSError(f"{path!r} leads to a directory around it")
            yield _header(place, found)
            inside = (*around, (found.st_dev, found.st_ino))
            yield from _below(path, f"{place}/", ignored, top=top, around=inside)
        elif stat.S_ISREG(found.st_mode):
            yield from _file(path, place)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _stays(link: str, top: str) -> bool:
    target = os.readlink(link)
    steps = [step for step in target.split("/") if step not in ("", ".")]
    # Behind a name, which may be a link itself, `..` may lead anywhere.
    if target.startswith("/") or ".." in steps[steps.count("..") :]:
        return False
    real = os.path.normpath(os.path.join(os.path.dirname(link), target))
    return real == top or real.startswith(f"{top}/")


def _file(path: str, place: str) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        yield _header(place, found, size=found.st_size)
        left = found.st_size
        while left:
            block = file.read(min(BLOCK, left))
            if not block:
                raise OSError(f"{path!r} became shorter while it was sent")
            left -= len(block)
            yield block
        if padding := -found.st_size % _RECORD:
            yield bytes(padding)


def _header(place: str, found: os.stat_result, *, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(place)
    info.mode = stat.S_IMODE(found.st_mode) & _KEPT_BITS
    info.mtime = found.st_mtime
    info.size = size
    info.type = tarfile.SYMTYPE if target else tarfile.DIRTYPE if stat.S_ISDIR(found.st_mode) else tarfile.REGTYPE
    info.linkname = target
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def spool(root: LocalPath) -> IO[bytes]:
    """Return a nameless file on the file system where a directory is to be."""
    above = os.path.abspath(root)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    return tempfile.TemporaryFile(dir=above)


def unpack(archive: IO[bytes], root: LocalPath) -> None:
    """Put everything of an archive into a directory, which is made; raises `OSError` for what would leave it."""
    if not hasattr(tarfile, "data_filter"):
        raise OSError("this Python cannot unpack archives safely: 3.11.4 or newer is needed")
    os.makedirs(root, exist_ok=True)
    with tarfile.open(fileobj=archive, mode="r:") as reader:
        try:
            reader.extractall(root, filter=_checked)  # noqa: S202 - it has a filter
        except tarfile.FilterError as error:
            raise OSError(f"{error}: not unpacked; `ignore` leaves it out") from None


def _checked(member: tarfile.TarInfo, root: str) -> tarfile.TarInfo:
    """Let the standard library look for what leaves the directory, and keep the mode as it is."""
    checked = tarfile.data_filter(member, root)
    return checked.replace(mode=member.mode & _KEPT_BITS, deep=False)
