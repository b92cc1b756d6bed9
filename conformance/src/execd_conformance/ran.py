"""`Ran`: what came of a command, for scenarios that want its result more than its stream."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from execd_conformance.broken import Broken
from execd_conformance.events import Event


@dataclass(frozen=True, slots=True)
class Ran:
    """The events of one command, to the last."""

    events: list[Event]
    in_lines: bool = False
    """Whether its output came as lines, without their ends."""

    @property
    def id(self) -> str:
        """Its execution id, from `init`."""
        for event in self.events:
            if event.type == "init" and isinstance(event.get("text"), str):
                return str(event["text"])
        raise Broken(f"a command's stream had no init: {[event.raw[:100] for event in self.events[:3]]}")

    @property
    def end(self) -> Event:
        """Its terminal event."""
        for event in reversed(self.events):
            if event.is_terminal:
                return event
        raise Broken(f"a command's stream had no end: {[event.raw[:100] for event in self.events[-3:]]}")

    @property
    def exit_code(self) -> int | None:
        """The end's `exit_code`; 0 where a command that was completed has none, as with other daemons."""
        code = self.end.get("exit_code")
        if code is None and self.end.type == "execution_complete":
            return 0
        return code if isinstance(code, int) else None

    @property
    def stdout_bytes(self) -> bytes:
        """What it wrote to standard output."""
        return self._written("stdout")

    @property
    def stderr_bytes(self) -> bytes:
        """What it wrote to standard error."""
        return self._written("stderr")

    @property
    def stdout(self) -> str:
        """What it wrote to standard output, as text."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """What it wrote to standard error, as text."""
        return self.stderr_bytes.decode("utf-8", "replace")

    def _written(self, stream: str) -> bytes:
        return b"".join(self._bytes(event) for event in self.events if event.type == stream)

    def _bytes(self, event: Event) -> bytes:
        if isinstance(data := event.get("data"), str):
            return base64.b64decode(data)
        text = str(event.get("text", ""))
        if self.in_lines and text != "\n" and not event.get("partial"):
            text += "\n"
        return text.encode("utf-8", "surrogatepass")
