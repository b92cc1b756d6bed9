"""A tar stream into a directory: nothing is written outside of it, whatever names, links and races say. Blocking calls.

Each step of a name is opened in the directory before it and never through a link; a file is written beside its place
and takes it in one step. The standard library reads the archive.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final, Protocol, Self, cast

from execd.errors import InvalidFile, IsADirectory, NotADirectory
from execd.files.hidden import new_name
from execd.files.refusals import WRITING, refusal, shown
from execd.files.staging import make_parents

_BLOCK: Final = 1024 * 1024
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEFAULT_MODE: Final = 0o755
_KEPT_BITS: Final = 0o1777
"""The owner of an archive's maker means nothing here, and with it go the bits that lend its rights."""


MOST_OF_A_HEADER: Final = 1024 * 1024
"""Bytes of what stands before a member: names and the like, which are held in memory."""
_LONG: Final = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)


class Member(tarfile.TarInfo):
    """A member of an archive that is refused where the standard library would take what it cannot read for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one header; raises `ReadError` for what is none, for none, and for longer names than anybody needs."""
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # the end
            raise tarfile.ReadError(str(error)) from None
        if member.type in _LONG and member.size > MOST_OF_A_HEADER:
            raise tarfile.ReadError(f"a header is larger than {MOST_OF_A_HEADER} bytes")
        return member


class Source(Protocol):
    """Where the archive comes from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, b"" at the end."""
        ...


def unpack(root: str, source: Source) -> None:
    """Put everything of an archive into a directory, which is made; raises the refusals of the wire."""
    at = root
    try:
        make_parents(root)
        top = os.open(os.path.realpath(root), _DIRECTORY)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|", tarinfo=Member) as archive:
                modes: list[tuple[list[str], int]] = []
                while (member := archive.next()) is not None:
                    # It keeps what it has read, for whoever might want to go back.
                    archive.members.clear()  # type: ignore[attr-defined]
                    at = f"{root}/{member.name}"
                    _put(top, archive, member, modes)
                _set_modes(top, modes)
        finally:
            os.close(top)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise InvalidFile(f"the archive cannot be read: {error}") from None
    except OSError as error:
        raise refusal(error, at, also=WRITING) from error


def _put(top: int, archive: tarfile.TarFile, member: tarfile.TarInfo, modes: list[tuple[list[str], int]]) -> None:
    steps = _steps(member.name)
    *above, name = steps or ["."]
    if member.isdir():
        with _opened(top, steps, member.name):
            # One that may not be written to is filled first.
            modes.append((steps, member.mode))
        return
    with _opened(top, above, member.name) as directory:
        if member.isreg():
            content = archive.extractfile(member)
            if content is not None:
                _write(directory, name, member, content)
        elif member.issym():
            _check_target(above, member)
            _replace(directory, name, lambda hidden: os.symlink(member.linkname, hidden, dir_fd=directory))
        elif member.islnk():
            _link(top, directory, name, member)
        else:
            raise InvalidFile(
                f"{shown(member.name)} is neither file nor directory nor link", details={"path": shown(member.name)}
            )


def _set_modes(top: int, modes: list[tuple[list[str], int]]) -> None:
    for steps, mode in reversed(modes):
        with suppress(NotADirectory), _opened(top, steps, "/".join(steps)) as directory:
            os.fchmod(directory, mode & _KEPT_BITS)


def _steps(name: str) -> list[str]:
    """Return the steps of a member's name; raises `InvalidFile` for one that leaves the directory."""
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if name.startswith("/") or ".." in steps or "\0" in name:
        raise InvalidFile(f"{shown(name)} leaves the directory", details={"path": shown(name)})
    return steps


def _check_target(above: list[str], member: tarfile.TarInfo) -> None:
    steps = [step for step in member.linkname.split("/") if step not in ("", ".")]
    ups = steps.count("..")
    # Behind a name, which may be a link itself, nobody knows where `..` leads.
    if member.linkname.startswith("/") or ups > len(above) or ".." in steps[ups:]:
        raise InvalidFile(
            f"{shown(member.name)} links to {shown(member.linkname)}, outside of the directory",
            details={"path": shown(member.name)},
        )


@contextmanager
def _opened(top: int, steps: list[str], name: str) -> Iterator[int]:
    """Give the directory at the end of some steps, made where it is missing."""
    directory = os.dup(top)
    try:
        for step in steps:
            with suppress(FileExistsError):
                os.mkdir(step, _DEFAULT_MODE, dir_fd=directory)
            try:
                below = os.open(step, _DIRECTORY, dir_fd=directory)
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    raise NotADirectory(
                        f"{shown(name)}: {shown(step)} is no directory", details={"path": shown(name)}
                    ) from None
                raise
            os.close(directory)
            directory = below
        yield directory
    finally:
        os.close(directory)


def _write(directory: int, name: str, member: tarfile.TarInfo, content: IO[bytes]) -> None:
    def fill(hidden: str) -> None:
        file = os.open(hidden, _NEW, 0o600, dir_fd=directory)
        try:
            while block := content.read(_BLOCK):
                view = memoryview(block)
                while view:
                    view = view[os.write(file, view) :]
            os.fchmod(file, member.mode & _KEPT_BITS)
            os.utime(file, (member.mtime, member.mtime))
        finally:
            os.close(file)

    _replace(directory, name, fill)


def _replace(directory: int, name: str, make: Callable[[str], None]) -> None:
    """Make an entry under a hidden name, and give it its own."""
    hidden = new_name()
    try:
        make(hidden)
        try:
            os.rename(hidden, name, src_dir_fd=directory, dst_dir_fd=directory)
        except IsADirectoryError:
            raise IsADirectory(f"{shown(name)} is a directory", details={"path": shown(name)}) from None
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=directory)
        raise


def _link(top: int, directory: int, name: str, member: tarfile.TarInfo) -> None:
    *above, old = _steps(member.linkname) or ["."]
    with _opened(top, above, member.linkname) as source:
        if not stat.S_ISREG(os.stat(old, dir_fd=source, follow_symlinks=False).st_mode):
            raise InvalidFile(f"{shown(member.name)} links to what is no file", details={"path": shown(member.name)})
        _replace(
            directory,
            name,
            lambda hidden: os.link(old, hidden, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False),
        )
