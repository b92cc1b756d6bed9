"""How far a transfer is, told to whoever wants to know: a bar in the terminal, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = bool | Callable[[int, int], object]
"""`True` for a bar, or a function that takes how many bytes are done, and of how many."""


class Meter:
    """Tells of one transfer; a bar only where standard error is a terminal."""

    def __init__(self, progress: Progress, *, name: str, total: int) -> None:
        self._total = total
        self._done = 0
        self._tell = progress if callable(progress) else None
        self._bar: Any = _bar(name, total) if progress is True else None

    def at(self, done: int) -> None:
        """Say how many bytes are done; again the same is nothing, and less than before goes back."""
        if self._bar is not None:
            self._bar.update(done - self._done)
        if self._tell is not None and done != self._done:
            self._tell(done, self._total)
        self._done = done

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def _bar(name: str, total: int) -> Any:
    # Imported when somebody wants to see it.
    from tqdm import tqdm  # noqa: PLC0415

    return tqdm(desc=name, total=total, unit="B", unit_scale=True, unit_divisor=1024, disable=None)
