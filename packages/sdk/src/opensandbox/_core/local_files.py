"""Files on this side: one that is read while it is sent, one that takes its place when it has come. Blocking calls."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress

LocalPath = str | os.PathLike[str]
NEW_FILE_MODE = 0o666
"""Before the process's own mask."""


class Leaving:
    """A file that is to be sent as it is at this moment."""

    def __init__(self, path: LocalPath) -> None:
        """Open it; raises `OSError`, also for what is no regular file."""
        self.name = os.path.basename(os.fspath(path))
        self._path = os.fspath(path)
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - `close` closes it
        self._before = os.fstat(self._file.fileno())
        self.size = self._before.st_size
        if not stat.S_ISREG(self._before.st_mode):
            self.close()
            raise OSError(f"{self._path!r} is no regular file")

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from a place on, b"" at the end; never more than there were at the beginning."""
        return os.pread(self._file.fileno(), max(0, min(size, self.size - offset)), offset)

    def check(self) -> None:
        """Raise `OSError` when the file is not what it was."""
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise OSError(f"{self._path!r} changed while it was sent")

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


class Arriving:
    """New content for a file; exactly one of `publish` and `abandon` ends it."""

    def __init__(self, path: LocalPath) -> None:
        """Open a hidden file beside the target; raises `OSError`."""
        # A link stays, and what it leads to is replaced.
        self._target = os.path.realpath(path)
        directory, name = os.path.split(self._target)
        descriptor, self._hidden = tempfile.mkstemp(prefix=f".{name[:100]}-", dir=directory)
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115 - the same

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def publish(self) -> None:
        """Take the target's place, with the mode that it has or that a new file gets."""
        self._file.close()
        try:
            mode = stat.S_IMODE(os.stat(self._target).st_mode)
        except FileNotFoundError:
            mask = os.umask(0o077)
            os.umask(mask)
            mode = NEW_FILE_MODE & ~mask
        os.chmod(self._hidden, mode)
        os.replace(self._hidden, self._target)

    def abandon(self) -> None:
        """Leave nothing."""
        self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._hidden)
