"""What the system says about a path, in the words of the wire; the one place that reads `errno` for files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from execd.errors import (
    ExecdError,
    FileNotFound,
    InternalFault,
    InvalidFile,
    IsADirectory,
    LimitReached,
    NoSpace,
    NotADirectory,
    PayloadTooLarge,
    PermissionDenied,
)

_MEANING: Final[dict[int, type[ExecdError]]] = {
    errno.ENOENT: FileNotFound,
    errno.ENOTDIR: FileNotFound,
    errno.EACCES: PermissionDenied,
    errno.EPERM: PermissionDenied,
    errno.EROFS: PermissionDenied,
    errno.EISDIR: IsADirectory,
    errno.ENOSPC: NoSpace,
    errno.EDQUOT: NoSpace,
    errno.EFBIG: PayloadTooLarge,
    errno.EMFILE: LimitReached,
    errno.ENFILE: LimitReached,
    errno.ELOOP: InvalidFile,
    errno.ENAMETOOLONG: InvalidFile,
    errno.EINVAL: InvalidFile,
    errno.ENXIO: InvalidFile,
    errno.ENODEV: InvalidFile,
    errno.EXDEV: InvalidFile,
    errno.EMLINK: InvalidFile,
    errno.EOPNOTSUPP: InvalidFile,
    errno.ESTALE: FileNotFound,
    # What something is mounted on stays.
    errno.EBUSY: PermissionDenied,
}
WRITING: Final[dict[int, type[ExecdError]]] = {errno.ENOTDIR: NotADirectory, errno.EEXIST: NotADirectory}
"""Where parents are made, something else in their place is a conflict, not an absence."""


def shown(path: str) -> str:
    """Return a path as JSON can hold it: bytes that are no UTF-8 become U+FFFD."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "replace")


def refusal(error: OSError, path: str, *, also: dict[int, type[ExecdError]] | None = None) -> ExecdError:
    """Return the refusal that an `OSError` about `path` amounts to; `also` has meanings that come first."""
    number = error.errno or 0
    kind = (also or {}).get(number) or _MEANING.get(number, InternalFault)
    return kind(f"{shown(path)}: {error.strerror}", details={"path": shown(path)})


@contextmanager
def refused(path: str, *, also: dict[int, type[ExecdError]] | None = None) -> Iterator[None]:
    """Turn what the system refuses in this block into an `ExecdError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise refusal(error, path, also=also) from error
    except ValueError as error:
        # Python itself refuses a NUL in a path.
        raise InvalidFile(f"{shown(path)!r}: {error}") from error
