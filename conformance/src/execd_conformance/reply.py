"""`Reply`: an answer, read to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from execd_conformance.broken import Broken


@dataclass(frozen=True, slots=True)
class Reply:
    """What came; nothing of it is taken for granted."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON value; `Broken` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Broken(f"JSON was expected with status {self.status}, {self.body[:200]!r} came") from None

    @property
    def code(self) -> str | None:
        """The `code` of an error's body; None where there is none, or it is malformed."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        code = value.get("code") if isinstance(value, dict) else None
        return code if isinstance(code, str) else None

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    def __repr__(self) -> str:
        """Say what a report can use."""
        return f"{self.status} {self.headers.get('content-type', '-')} {self.body[:300]!r}"
