"""Executions of every kind: list them, look at one, replay and follow its events, feed its input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from execd._wire import Execution, ExecutionKind, ExecutionList, SignalRequest
from execd.errors import AlreadyFinished, InvalidQuery, StdinClosed
from execd.http import stream
from execd.http.answer import EMPTY, NO_CONTENT, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.query import integer
from execd.http.services import Services
from execd.http.stream import Events
from execd.http.views import execution
from execd.http.waiting import CutShort, cut_short_by
from execd.runs.parties import Control
from execd.runs.run import Run
from execd.runs.writes import Part, Write

KINDS: Final = tuple(kind.value for kind in ExecutionKind)
PAGE: Final = 100
PAGE_LIMIT: Final = 1000
PAGE_CHARACTERS: Final = 1024 * 1024


async def list_all(exchange: Exchange, services: Services) -> Answer:
    """Answer a page of executions, oldest first."""
    query = exchange.query
    running, kind = query.flag("running"), query.choice("kind", KINDS)
    limit = query.integer("limit", minimum=1, maximum=PAGE_LIMIT) or PAGE
    # A cursor is the ordinal of the last run shown: it holds its place when that run is forgotten.
    after = query.integer("cursor") or 0
    runs = [
        run
        for run in services.registry.runs()
        if run.ordinal > after and running in (None, run.end is None) and kind in (None, run.kind)
    ]
    page = list(_page(runs, limit))
    more = str(runs[len(page) - 1].ordinal) if len(runs) > len(page) else None
    return json_answer(ExecutionList(executions=page, next_cursor=more))


def _page(runs: list[Run], limit: int) -> Iterator[Execution]:
    """Give the views of one page: it ends early where what was asked of the runs is long."""
    size = 0
    for run in runs[:limit]:
        shown = execution(run)
        size += len(shown.content)
        if size > PAGE_CHARACTERS and size > len(shown.content):
            return
        yield shown


async def get(exchange: Exchange, services: Services) -> Answer:
    """Answer how one execution stands."""
    return json_answer(execution(services.registry.find(exchange.params["id"])))


async def delete(exchange: Exchange, services: Services) -> Answer:
    """Stop an execution if it runs, and forget it; the answer comes when nothing of it is left."""
    await services.registry.delete(services.registry.find(exchange.params["id"]))
    return EMPTY


async def events(exchange: Exchange, services: Services) -> Events | Answer:
    """Replay the events after a number, and follow to the end unless told otherwise."""
    run = services.registry.find(exchange.params["id"])
    after = _after(exchange)
    follow = exchange.query.flag("follow") is not False
    if exchange.method == "HEAD":
        # Nothing is read, so nobody attaches: a reader that comes and goes would start the disconnect grace.
        return Answer(headers=stream.HEADERS)
    reader = services.registry.attach(run, after=after, follow=follow, name=exchange.reader)
    if reader.empty:
        reader.close()
        return NO_CONTENT
    return reader


def _after(exchange: Exchange) -> int:
    after = exchange.query.integer("after")
    if after is None:
        last = exchange.header(b"last-event-id") or b"0"
        after = integer("Last-Event-ID", last)
    return after


async def write_stdin(exchange: Exchange, services: Services) -> Answer:
    """Pass the body on to standard input as it arrives; with `eof=true` that is all there will be."""
    run = services.registry.find(exchange.params["id"])
    last = exchange.query.flag("eof") is True
    part = _part(exchange, run)
    if run.control is None or run.end is not None:
        # A repeated write may ask after bytes that were taken while there was somebody to take them.
        await _feed(exchange, None, part)
    else:
        try:
            async with cut_short_by(run.ended()):
                await _feed(exchange, run.control, part)
                if last and not part.write.ended:
                    run.control.close_stdin()
                    part.write.ended = True
        except CutShort:
            raise _closed() from None
    return EMPTY


def _part(exchange: Exchange, run: Run) -> Part:
    """Return which part of which write this is; a write without a name is all of one that nobody repeats."""
    name, offset = exchange.query.text("write_id"), exchange.query.integer("offset")
    if name is None and offset is not None:
        raise InvalidQuery("offset: it needs a write_id")
    return (Write() if name is None else run.writes.named(name)).part(offset or 0)


def _closed() -> StdinClosed:
    return StdinClosed("the execution takes no input any more")


async def send_signal(exchange: Exchange, services: Services) -> Answer:
    """Send a signal by name."""
    run = services.registry.find(exchange.params["id"])
    request = decode(await services.arrivals.whole(exchange), SignalRequest)
    if run.end is not None or run.control is None:
        raise AlreadyFinished(f"execution {run.id} has already ended")
    run.control.send_signal(request.signal)
    return EMPTY


async def _feed(exchange: Exchange, control: Control | None, part: Part) -> None:
    if not part.is_repeat:
        # An empty write first: input that is closed is refused before the body is waited for.
        await _write(control, b"")
    while (piece := await exchange.receive_body()) is not None:
        async with part.write.turn:
            if fresh := part.fresh(piece):
                await _write(control, fresh)
            part.take(piece)
    with suppress(StdinClosed):
        # Another at the end: who takes whole answers has one now. Nothing is lost if the input has been closed since.
        await _write(control, b"")


async def _write(control: Control | None, data: bytes) -> None:
    if control is None:
        raise _closed()
    await control.write_stdin(data)
