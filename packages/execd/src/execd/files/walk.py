"""Everything below a directory, in lexical order, a directory before what is in it; links are told and never entered.

Each directory is opened by its name in the one above it, so a tree may be deeper than a path may be long, and nobody
can put a link in the way of a walk. Blocking calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import NamedTuple

from execd.files.ladder import OPENING, Ladder


class Found(NamedTuple):
    """One entry of a walk: its name in an open directory, and its path below the root."""

    directory: int
    """A descriptor, open until the walk goes on."""
    name: str
    path: str
    is_directory: bool


def open_root(path: str, *, follow_link: bool = True) -> int:
    """Return the descriptor of a directory to walk through; raises `OSError`."""
    return os.open(path, OPENING & ~os.O_NOFOLLOW if follow_link else OPENING)


def walk(
    root: int,
    *,
    wanted: Callable[[str], bool] | None = None,
    left_out: Callable[[str, str], bool] | None = None,
    entering: Callable[[str, int | None], bool] | None = None,
    max_depth: int | None = None,
) -> Generator[Found, None, None]:
    """Yield what is below an open directory, which this closes; what cannot be read, or has vanished, is left out.

    Of entries that are no directories only those are yielded whose name is `wanted`: the sooner it is known, the less
    there is to do. What is `left_out` (by the path of its directory, with its slash, and its name) is as if absent,
    with all that is in it. `entering` is called before a directory is listed, with its path and its descriptor, None
    where it cannot be opened (any more), and says whether to list it.
    """
    ladder = Ladder(root)
    levels: list[tuple[str, Iterator[tuple[str, bool]]]] = []
    try:
        if entering is None or entering("", root):
            levels.append(("", entries(root, wanted)))
        while levels:
            prefix, below = levels[-1]
            directory = ladder.directory
            for name, is_directory in below:
                if left_out is not None and left_out(prefix, name):
                    continue
                path = prefix + name
                yield Found(directory, name, path, is_directory)
                if is_directory and (max_depth is None or len(levels) < max_depth):
                    # Nobody holds up a walk: what cannot be opened (any more) has nothing in it.
                    try:
                        ladder.down(name)
                    except (FileNotFoundError, NotADirectoryError, PermissionError):
                        if entering is not None:
                            entering(path, None)
                        continue
                    listed = entering is None or entering(path, ladder.directory)
                    levels.append((f"{path}/", entries(ladder.directory, wanted) if listed else iter(())))
                    break
            else:
                del levels[-ladder.up() :]
    finally:
        ladder.close()


def entries(directory: int, wanted: Callable[[str], bool] | None = None) -> Iterator[tuple[str, bool]]:
    """Return what is in an open directory, by name and whether it is a directory, in order.

    What is no directory has to be `wanted`.
    """
    found: list[tuple[str, bool]] = []
    # It may have been removed, or its file system be gone, while it was open.
    with suppress(OSError), os.scandir(directory) as scan:
        for entry in scan:
            is_directory = entry.is_dir(follow_symlinks=False)
            if is_directory or wanted is None or wanted(entry.name):
                found.append((entry.name, is_directory))
    found.sort()
    return iter(found)
