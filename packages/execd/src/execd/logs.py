"""One line per event on standard error, as text or JSON; never a token, never a command's text.

A line is written only when the pipe behind standard error has room for it: nobody may be reading there, and a log must
not stop the daemon. What did not fit is counted and told with the next line that does.
"""

from __future__ import annotations

import logging
import os
import select
import time
from typing import Any, Final

import msgspec

LINE_LIMIT: Final = 4096
"""A pipe takes so much as a whole or not at all (PIPE_BUF)."""
EVENT_LIMIT: Final = 200
FAULT_LIMIT: Final = 2000
_FIELDS: Final = ("request_id", "method", "path", "status", "ms", "execution_id", "signal", "reason")


class LineHandler(logging.Handler):
    """Writes records as lines to a descriptor."""

    def __init__(self, descriptor: int, *, json: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._json = json
        self._dropped = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or count it as dropped."""
        try:
            if not any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                self._dropped += 1
                return
            fields = self._fields(record)
            line = msgspec.json.encode(fields) if self._json else _text(fields).encode()
            os.write(self._descriptor, line[: LINE_LIMIT - 1] + b"\n")
            self._dropped = 0
        except (OSError, ValueError):
            self._dropped += 1

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "time": f"{seconds}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _printable(record.getMessage())[:EVENT_LIMIT],
        }
        fields |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info:
            fields["fault"] = _printable(logging.Formatter().formatException(record.exc_info))[-FAULT_LIMIT:]
        if self._dropped:
            fields["dropped_before"] = self._dropped
        return fields


def _printable(text: str) -> str:
    # Lone surrogates stand for bytes that are no UTF-8; JSON has no place for them.
    return text.encode("utf-8", "backslashreplace").decode()


def _text(fields: dict[str, Any]) -> str:
    head = [fields.pop("time"), fields.pop("level").upper(), fields.pop("logger"), fields.pop("event")]
    rest = [f"{name}={value if name != 'fault' else repr(value)}" for name, value in fields.items()]
    return " ".join([*head, *rest])


def set_up(level: str, *, json: bool) -> None:
    """Send all logs of this process to standard error."""
    root = logging.getLogger()
    root.handlers[:] = [LineHandler(2, json=json)]
    root.setLevel(level.upper())
    # Hypercorn tells where it runs, asyncio which selector it uses: the ready line says it better.
    for name in ("hypercorn.error", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
