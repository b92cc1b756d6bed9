"""What a mutant is: one thing broken, and the checks that must see it; with the turns that many of them take."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

Making = Callable[[str | None], Rewrite]
"""Makes a rewrite for a daemon that this token opens (None: one without a token); what it counts begins anew."""
Events = Callable[[Request, Blocks], Blocks]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken daemon. `reddens` names checks as reports do, `scenario/requirement`: every one of them must fail."""

    name: str
    breaks: str
    reddens: tuple[str, ...]
    rewrite: Making


def steady(rewrite: Rewrite) -> Making:
    """Rewrite the same way for every daemon."""
    return lambda _token: rewrite


def is_run(request: Request) -> bool:
    """Whether a stream of the reply is that of a run: a start or a replay."""
    starts = request.method == "POST" and request.path in {"/command", "/code"}
    return starts or request.path.startswith("/executions/")


def is_replay(request: Request) -> bool:
    """Whether the events of a run are asked for again."""
    return request.method == "GET" and request.path.startswith("/executions/") and request.path.endswith("/events")


def each(change: Callable[[Block], Block | None]) -> Events:
    """Change event by event; None drops one."""

    async def changed(_request: Request, events: Blocks) -> Blocks:
        async for block in events:
            if (other := change(block)) is not None:
                yield other

    return changed


def each_of(kind: str, change: Callable[[Block], Block | None]) -> Events:
    """Change the events of one type."""
    return each(lambda block: change(block) if block.type == kind else block)


def runs(events: Events) -> Making:
    """Break the streams of runs, replays too."""
    return steady(Rewrite(where=is_run, events=events))


def cells(events: Events) -> Making:
    """Break the streams of cells as they run."""
    return steady(Rewrite(where=route("POST", "/code"), events=events))


def left_out(kind: str, field: str | None = None, *, text: str | None = None) -> Events:
    """Leave out the events of a type, or only a field of theirs; with `text` only those that say it."""

    def change(event: Block) -> Block | None:
        if text is not None and event.data.get("text") != text:
            return event
        return None if field is None else event.changed(**{field: None})

    return each_of(kind, change)


def dropped(where: Callable[[Request], bool], *names: str) -> Making:
    """Do not heed these fields of a request."""
    return steady(Rewrite(where=where, whole=lambda request: fields(request, **dict.fromkeys(names))))


def swallowed(where: Callable[[Request], bool]) -> Making:
    """Say that it is done, and do nothing."""
    return steady(Rewrite(where=where, whole=lambda request: answer(request, 200)))


def answer(request: Request, status: int, value: object = None) -> Reply:
    """Answer in the daemon's place: a JSON value, or an empty body."""
    told = request.header("x-request-id") or secrets.token_hex(8)
    reply = Reply(status=status, headers=((b"x-request-id", told.encode()),))
    if value is None:
        return reply.with_body(b"")
    return reply.with_json(value).with_header("content-type", "application/json")


def refusal(request: Request, status: int, code: str, message: str = "no") -> Reply:
    """Refuse in the daemon's place, in the form of the contract."""
    reply = answer(request, status)
    told = reply.header("x-request-id")
    body = {"code": code, "message": message, "request_id": told}
    return reply.with_body(json.dumps(body).encode()).with_header("content-type", "application/json")


def fields(request: Request, **changed: object) -> Request:
    """Give fields of a JSON request other values; None takes one away. What is no object stays as it is."""
    body = request.json
    if not isinstance(body, dict) or not body:
        return request
    merged = {
        key: value for key, value in {**body, **changed}.items() if key not in changed or changed[key] is not None
    }
    return request if merged == body else request.with_json(merged)
