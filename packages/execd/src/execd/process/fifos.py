"""The named pipes of a live shell, and the lines by which bash comes to take its commands from them."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

_READ_BYTES: Final = 1024
"""What bash reads of its lines at once."""
_BACK: Final = (
    "{ __execd_code=${__execd_code:-$?} __execd_flags=${__execd_flags:-$-}; \\builtin set +xva; "
    '\\builtin trap -p ERR DEBUG >"$__execd_tell"; \\builtin trap - ERR DEBUG; '
    '\\exec 0<"$__execd_lines"; } >/dev/null 2>&1\n'
)
_PRELUDE: Final = (
    "readonly __execd_tell={tell} __execd_take={take} __execd_lines={lines} __execd_key={key}; "
    "unset HISTFILE MAILCHECK; PS1=; history -c; set +o history +o histexpand\n"
)


class Fifos:
    """Named pipes to and from a shell, and the file with its loop, all of whose names begin with `place`."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._held: list[int] = []
        try:
            for name in ("take", "tell", "lines"):
                os.mkfifo(f"{place}-{name}", 0o600)
            self.give = self._open("take", os.O_RDWR)
            self.lines = self._open("lines", os.O_RDWR)
            self.hear = self._open("tell", os.O_RDONLY)
            # As long as it is held, there is no end to what is heard.
            self._tell = self._open("tell", os.O_WRONLY)
            Path(f"{place}-loop").write_text(_loop(), "utf-8")
        except BaseException:
            self.close_all()
            raise
        self.ahead = _block(f". {shlex.quote(f'{place}-loop')}\n{_BACK}{_BACK}")
        """The lines that bash reads ahead."""

    def prelude(self, key: str) -> bytes:
        """Return what tells a shell of them, and sets it going."""
        names = {name: shlex.quote(f"{self._place}-{name}") for name in ("take", "tell", "lines")}
        return _block(_PRELUDE.format(**names, key=key)) + self.ahead

    def close(self) -> None:
        """Close what is not `give` or `hear`; the shell has ended."""
        for name in ("take", "tell", "lines", "loop"):
            with suppress(OSError):
                os.unlink(f"{self._place}-{name}")
        for descriptor in self._held:
            if descriptor not in (self.give, self.hear):
                os.close(descriptor)
        self._held.clear()

    def close_all(self) -> None:
        """Close them of which nothing has become."""
        self.give = self.hear = -1
        self.close()

    def _open(self, name: str, how: int) -> int:
        descriptor = os.open(f"{self._place}-{name}", how | os.O_NONBLOCK | os.O_CLOEXEC)
        self._held.append(descriptor)
        return descriptor


@cache
def _loop() -> str:
    lines = Path(__file__).with_name("session.bash").read_text("utf-8").splitlines()
    return " ".join(line.strip() for line in lines if not line.lstrip().startswith("#")) + "\n"


def _block(lines: str) -> bytes:
    """Return lines as bash reads them: so many bytes at once, and the rest is where the next are to come from."""
    return lines.removesuffix("\n").encode().ljust(_READ_BYTES - 1) + b"\n"
