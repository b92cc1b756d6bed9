"""A live shell for the length of a block, and runs in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from execd_conformance.broken import Broken
from execd_conformance.parsing import json_value
from execd_conformance.ran import Ran
from execd_conformance.raw import Raw, Reply
from execd_conformance.stream import Stream


@dataclass(frozen=True, slots=True)
class Shell:
    """One session of a daemon."""

    id: str
    raw: Raw

    @property
    def path(self) -> str:
        """The session's route."""
        return f"/session/{self.id}"

    async def run(self, command: str, **fields: Any) -> Ran:
        """Run a command to its end; further fields are those of the request."""
        body = self._body(command, fields)
        events = await self.raw.events("POST", f"{self.path}/run", json=body)
        return Ran(events, in_lines=body.get("output") != "chunks")

    async def say(self, command: str, **fields: Any) -> str:
        """Run a command, and return what it wrote to standard output."""
        return (await self.run(command, **fields)).stdout

    def stream(self, command: str, **fields: Any) -> AbstractAsyncContextManager[Stream]:
        """Run a command and read its events as they come."""
        return self.raw.stream("POST", f"{self.path}/run", json=self._body(command, fields))

    async def delete(self) -> Reply:
        """End the session."""
        return await self.raw.request("DELETE", self.path, timeout_s=20)

    def _body(self, command: str, fields: dict[str, Any]) -> dict[str, Any]:
        exact = {"output": "chunks"} if "output" in self.raw.features else {}
        return {"command": command, **exact, **fields}


@asynccontextmanager
async def shell(raw: Raw, **fields: object) -> AsyncIterator[Shell]:
    """Start a session with these fields, and end it after the block."""
    asked: dict[str, Any] = {"json": fields} if fields else {}
    reply = await raw.request("POST", "/session", timeout_s=20, **asked)
    opened = Shell(_id(reply), raw)
    try:
        yield opened
    finally:
        await opened.delete()


def _id(reply: Reply) -> str:
    value = json_value(reply.body) if reply.status == 200 else None
    told = value.get("session_id") if isinstance(value, dict) else None
    if not isinstance(told, str) or not told:
        raise Broken(f"a session was to be made, {reply!r} came")
    return told


def notices(ran: Ran) -> list[object]:
    """Return the texts of a run's `status` events."""
    return [event.get("text") for event in ran.events if event.type == "status"]
