"""`context` and `cell`: what nearly every scenario about code does, and `Cell`, what came of it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from execd_conformance.broken import Broken
from execd_conformance.events import Event
from execd_conformance.laws import TERMINAL, ending, texts, whole
from execd_conformance.raw import Raw, Reply
from execd_conformance.stream import Stream

START_S: Final = 60.0
"""How long a kernel may take to start on a busy machine."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The events of one cell, to the last."""

    events: Sequence[Event]

    @property
    def id(self) -> str:
        """Its execution id."""
        return str(self.events[0].get("text")) if self.events else ""

    @property
    def types(self) -> list[str]:
        """The types of its events in order, heartbeats apart."""
        return [event.type for event in self.events if event.type != "ping"]

    @property
    def statuses(self) -> list[Any]:
        """What its `status` events say."""
        return texts(self.events, "status")

    @property
    def stdout(self) -> str:
        """All that it printed."""
        return "".join(map(str, texts(self.events)))

    @property
    def stderr(self) -> str:
        """All that it wrote to standard error."""
        return "".join(map(str, texts(self.events, "stderr")))

    @property
    def shown(self) -> list[Event]:
        """Its results in order."""
        return [event for event in self.events if event.type == "result"]

    @property
    def value(self) -> Any:
        """The text of its last expression's value; None where there is none."""
        values = [results(event).get("text") for event in self.shown if event.get("is_main_result") is not False]
        return values[-1] if values else None

    @property
    def count(self) -> Any:
        """Its execution_count."""
        counts = [event.get("execution_count") for event in self.events if event.type == "execution_count"]
        return counts[0] if len(counts) == 1 else counts

    @property
    def end(self) -> Event:
        """Its terminal event."""
        if not self.events:
            raise Broken("a cell's stream was empty")
        return ending(self.events)

    @property
    def completed(self) -> bool:
        """Whether it came to a good end."""
        return self.end.type == "execution_complete"

    @property
    def error(self) -> dict[str, Any]:
        """The `error` of its end, empty where it has none."""
        error = self.end.get("error")
        return error if isinstance(error, dict) else {}

    @property
    def cause(self) -> tuple[Any, Any]:
        """Cause and code of its end."""
        return self.end.get("cause"), self.end.get("code")

    def __repr__(self) -> str:
        """Show its events as a report can use them."""
        return " ".join(event.raw[:160] for event in self.events[:12])


def results(event: Event) -> dict[str, Any]:
    """Return what a result shows, empty where it is no map."""
    shown = event.get("results")
    return shown if isinstance(shown, dict) else {}


async def make(raw: Raw, **body: Any) -> Reply:
    """Ask for a Python context."""
    return await raw.request("POST", "/code/context", json={"language": "python", **body}, timeout_s=START_S)


@asynccontextmanager
async def context(raw: Raw, **body: Any) -> AsyncIterator[str]:
    """Make a Python context, give its id, and delete it in the end."""
    reply = await make(raw, **body)
    made = reply.json() if reply.status == 200 else None
    if not isinstance(made, dict) or not isinstance(made.get("id"), str) or not made["id"]:
        raise Broken(f"a context was to be made, {reply!r} came")
    try:
        yield made["id"]
    finally:
        await raw.request("DELETE", f"/code/contexts/{made['id']}", timeout_s=START_S)


def order(code: str, context_id: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a run: of a context, or of Python's default one; code may be indented as it stands here."""
    where = {"language": "python"} if context_id is None else {"id": context_id}
    return {"code": textwrap.dedent(code).strip("\n"), "context": where, **fields}


@asynccontextmanager
async def started(raw: Raw, code: str, context_id: str | None = None, **fields: Any) -> AsyncIterator[Stream]:
    """Start a cell and give its stream."""
    async with raw.stream("POST", "/code", json=order(code, context_id, **fields)) as stream:
        stream.need()
        yield stream


async def cell(raw: Raw, code: str, context_id: str | None = None, *, timeout_s: float = 30.0, **fields: Any) -> Cell:
    """Run a cell to its end."""
    body = order(code, context_id, **fields)
    return Cell(await raw.events("POST", "/code", json=body, timeout_s=timeout_s))


async def rest(stream: Stream) -> Cell:
    """Read a cell on to its end."""
    await whole(stream)
    return Cell(stream.events)


async def interrupt(raw: Raw, some_id: str) -> Reply:
    """Interrupt by the id of a run or of a context."""
    return await raw.request("DELETE", "/code", params={"id": some_id}, timeout_s=15.0)


async def value(raw: Raw, expression: str, context_id: str | None = None, **fields: Any) -> Any:
    """Return what an expression of plain data is worth in a context; what else comes is `Broken`."""
    ran = await cell(raw, f"import json as _json\nprint(_json.dumps({expression}))", context_id, **fields)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        raise Broken(f"{expression} was to be told, {ran!r} came") from None


def is_end(event: Event) -> bool:
    """Whether an event is the last of its run."""
    return event.type in TERMINAL


def says(text: str) -> Any:
    """Return what waits for the event that prints this."""
    return lambda event: event.type == "stdout" and text in str(event.get("text"))
