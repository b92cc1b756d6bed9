"""How much goes over a line at a time: less after each break, more again as it holds; and when to give up on it."""

from __future__ import annotations

from typing import Final

from opensandbox._core.resume import RESUME_FOR_S
from opensandbox._core.retry import backoff_of_break, is_transient, was_sent
from opensandbox.exceptions import SandboxException

LARGEST: Final = 1024 * 1024
_SMALLEST: Final = 4096


class Portions:
    """The size of the next portion, in bytes.

    Whoever is cut off again and again at the same place gets nowhere with portions beyond that place.
    """

    def __init__(self) -> None:
        self.size = LARGEST
        self._tries = 0
        self._broken_since: float | None = None

    def went(self) -> None:
        """Take note that a portion arrived."""
        self.size = min(self.size * 2, LARGEST)
        self._tries, self._broken_since = 0, None

    def lost(self, error: SandboxException, *, now: float, jitter: float) -> float:
        """Return the seconds until the portion may be tried again, or raise `error` when that makes no sense any more.

        `now` is monotonic, `jitter` in [0, 1).
        """
        self._tries += 1
        if self._broken_since is None:
            self._broken_since = now
        # The first try goes out at once: most breaks are of one connection, not of the way.
        wait = 0.0 if self._tries == 1 and was_sent(error) else backoff_of_break(self._tries, error, jitter=jitter)
        is_gone = bool(error.error.details.get("ended"))
        if is_gone or not is_transient(error) or now + wait > self._broken_since + RESUME_FOR_S:
            raise error
        self.size = max(self.size // 4, _SMALLEST)
        return wait
