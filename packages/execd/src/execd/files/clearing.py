"""A directory and all that is in it, removed, however deep it is and whoever changes it meanwhile. Blocking calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from execd.files.ladder import OPENING, Ladder
from execd.files.walk import entries


def remove_tree(path: str) -> None:
    """Remove a directory, never through a link; what is not there (any more) is fine.

    Raises `OSError` with the path of what could not be removed as its `filename`.
    """
    with suppress(FileNotFoundError):
        with _named(path):
            ladder = Ladder(os.open(path, OPENING))
        try:
            _empty(ladder, path)
        finally:
            ladder.close()
        with _named(path):
            os.rmdir(path)


def _empty(ladder: Ladder, path: str) -> None:
    """Remove what is in the one directory of a ladder."""
    names = [path]
    levels = [entries(ladder.directory)]
    while levels:
        for name, is_directory in levels[-1]:
            if is_directory and _went_down(ladder, name, names):
                levels.append(entries(ladder.directory))
                names.append(name)
                break
            with suppress(FileNotFoundError), _named("/".join((*names, name))):
                os.unlink(name, dir_fd=ladder.directory)
        else:
            steps = ladder.up()
            culprit, name = "/".join(names), names[-steps]
            del levels[-steps:], names[-steps:]
            if levels:
                with suppress(FileNotFoundError), _named(culprit):
                    os.rmdir(name, dir_fd=ladder.directory)


def _went_down(ladder: Ladder, name: str, names: list[str]) -> bool:
    """Go into a directory; False where it has gone, or become something else."""
    with suppress(FileNotFoundError, NotADirectoryError), _named("/".join((*names, name))):
        ladder.down(name)
        return True
    return False


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Let an `OSError` name the whole path."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
