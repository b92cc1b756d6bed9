"""Several changes of one request: when one fails, those before it are taken back, and the refusal tells what could not.

Blocking calls, as all of the changes.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from execd.errors import ExecdError
from execd.files.refusals import shown


class Changes:
    """The changes made so far, each with the way back."""

    def __init__(self) -> None:
        self._made: list[tuple[str, Callable[[], object] | None]] = []

    def made(self, path: str, undo: Callable[[], object] | None) -> None:
        """Remember a change of what is at `path`; without `undo` there is no way back."""
        self._made.append((path, undo))

    def __enter__(self) -> Self:
        """Begin with nothing changed."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Take everything back where there was an error."""
        if error is None:
            return
        stays = [shown(path) for path, undo in reversed(self._made) if not _undone(undo)]
        if isinstance(error, ExecdError):
            error.details = {**(error.details or {}), "changed": stays[::-1]}


def _undone(undo: Callable[[], object] | None) -> bool:
    try:
        if undo is not None:
            undo()
    except OSError:
        return False
    return undo is not None
