"""An answer that is there as a whole, as a value; `exchange.py` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

JSON: Final = b"application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers beyond those that follow from them; a body is JSON unless said otherwise.

    With `close` the connection ends after it.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = JSON
    close: bool = False

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as they go out."""
        headers = list(self.headers)
        if self.body:
            headers.append((b"content-type", self.content_type))
        if self.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(self.body)))
        return headers


EMPTY: Final = Answer()
NO_CONTENT: Final = Answer(204)


def json_answer(value: Any) -> Answer:
    """Return 200 with `value` as JSON."""
    return Answer(200, msgspec.json.encode(value))
