"""What surrounds the text of a session's command, so that the shell's own loop (`session.bash`) is not felt."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

_QUIETLY: Final = ">/dev/null 2>&1"
_EPILOGUE: Final = f"\n{{ __execd_code=$?; }} {_QUIETLY}"
_OPEN_ENDED: Final = re.compile(r"(\\|&&|\||\(\s*\)|!)\s*\Z")
_ERREXIT: Final = re.compile(r"\bset\b|errexit")
_VARIABLE: Final = re.compile(r"\A~(?=/|\Z)|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)


def word(path: str) -> str:
    """Return one word of shell text for a path: what `paths.expand` would replace, the shell does, as it is by then.

    >>> print(word("~/my logs/$DAY"))
    "${HOME-~}"'/my logs/'"${DAY-\\$DAY}"
    """
    parts, at = [], 0
    for found in _VARIABLE.finditer(path):
        name, unknown = found[1] or found[2] or "HOME", found[0].replace("$", "\\$").replace("}", "\\}")
        parts += [_quoted(path[at : found.start()]), f'"${{{name}-{unknown}}}"']
        at = found.end()
    return "".join((*parts, _quoted(path[at:])))


def _quoted(text: str) -> str:
    return text and shlex.quote(text)


@dataclass(frozen=True, slots=True)
class Left:
    """What a command left that the loop keeps for the next one: `$?`, options, traps for every command."""

    code: int = 0
    flags: str = ""
    traps: str = ""

    @property
    def is_put_back(self) -> bool:
        """Whether the next command has something to put back before it is the user's."""
        return bool(self._restoring())

    def around(self, text: str) -> str:
        """Return shell text that puts all but `$?` back, mostly nothing, and then is `text`."""
        return self._restoring() + text + self._epilogue(text)

    def _restoring(self) -> str:
        options = "".join(f"\\builtin set -{flag};" for flag in "avx" if flag in self.flags)
        if not self.traps and not options:
            return ""
        status = '__execd_back "$__execd_was" && \\builtin :;'
        return f"{{ __execd_was=$?; {self.traps}{options}{status} }} {_QUIETLY}\n"

    def _epilogue(self, text: str) -> str:
        # Under `set -e` a last command that may fail (`! true`, `a && b`) would be taken for one that may not, when
        # `eval` has its status. What is open at its end, as a heredoc may be, must not swallow this.
        needed = "e" in self.flags or _ERREXIT.search(text)
        return _EPILOGUE if needed and "<<" not in text and not _OPEN_ENDED.search(text) else ""
