"""Commands in the background and their logs, for scenarios that look at what nobody waits for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from execd_conformance.broken import Broken
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw

CURSOR: Final = "EXECD-COMMANDS-TAIL-CURSOR"
START: Final = "EXECD-COMMANDS-LOG-START"
END: Final = "EXECD-COMMANDS-LOG-END"


@asynccontextmanager
async def background(raw: Raw, command: str, **fields: Any) -> AsyncIterator[str]:
    """Start a command in the background and give its id; it is stopped with the block."""
    ran = await raw.run(command, background=True, **fields)
    try:
        yield ran.id
    finally:
        with suppress(Broken):
            await raw.request("DELETE", "/command", params={"id": ran.id}, timeout_s=15)


@dataclass(frozen=True, slots=True)
class Log:
    """What a command had written, from one place on."""

    text: bytes
    cursor: int
    """The place behind it."""
    start: int | None
    """The place where it begins, if that was told."""
    end: int | None
    """The place where all that had been written ended, if that was told."""


async def read_log(raw: Raw, execution_id: str, **params: object) -> Log:
    """Read a command's log; `Broken` where there is none, or it has no cursor."""
    reply = await raw.request("GET", f"/command/{execution_id}/logs", params=params)
    cursor = reply.headers.get(CURSOR, "")
    if reply.status != 200 or not re.fullmatch("[0-9]+", cursor):
        raise Broken(f"a log with a cursor was expected, {reply!r} came with the cursor {cursor!r}")
    start, end = (int(told) if (told := reply.headers.get(name, "")).isdecimal() else None for name in (START, END))
    return Log(reply.body, int(cursor), start, end)


async def log_with(raw: Raw, execution_id: str, wanted: bytes, **params: object) -> Log:
    """Read a command's log again and again until it has these bytes; the last one where it never has."""
    found = await read_log(raw, execution_id, **params)

    async def has_come() -> bool:
        nonlocal found
        found = await read_log(raw, execution_id, **params)
        return wanted in found.text

    await eventually(has_come)
    return found
