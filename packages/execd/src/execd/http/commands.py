"""Commands: start one and follow it, interrupt it, ask how it stands."""

from __future__ import annotations

from typing import Final

from execd._wire import RunCommandRequest
from execd.errors import CommandNotFound, ExecutionNotFound
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events, Whole
from execd.http.transfer import Transfer
from execd.http.views import command_status
from execd.runs.run import Run
from execd.runs.sse import Stream, control_frame, encode

KINDS: Final = ("command", "session_run")
STREAMS: Final[dict[str, Stream]] = {"stdout": "stdout", "stderr": "stderr"}


async def start(exchange: Exchange, services: Services) -> Events:
    """Start a command, or attach to the one of that id, and follow it from its first event."""
    request = decode(await services.arrivals.whole(exchange), RunCommandRequest)
    run = services.commands.start(request)
    if run.policy.background:
        # What ends here is the start: the end has no number, and is nobody's last event.
        done = encode({"type": "execution_complete", "execution_time": 0, "timestamp": services.now_ms()})
        return Whole(control_frame(1, run.store.init) + control_frame(None, done))
    # No wait between start and attach: until somebody reads, nobody has left.
    return services.registry.attach(run, after=0, name=exchange.reader)


async def interrupt(exchange: Exchange, services: Services) -> Answer:
    """Stop a command; the answer comes when it is gone."""
    await services.commands.interrupt(exchange.query.required("id"))
    return EMPTY


async def status(exchange: Exchange, services: Services) -> Answer:
    """Answer how a command stands."""
    return json_answer(command_status(_find(services, exchange.params["id"])))


async def logs(exchange: Exchange, services: Services) -> Transfer:
    """Answer what a command has written, byte for byte, from a place on."""
    run, query = _find(services, exchange.params["id"]), exchange.query
    stream = query.choice("stream", tuple(STREAMS))
    reading = run.read(
        cursor=query.integer("cursor") or 0, until=query.integer("until"), stream=STREAMS[stream] if stream else None
    )
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"execd-commands-tail-cursor", b"%d" % reading.end),
        (b"execd-commands-log-start", b"%d" % reading.start),
        (b"execd-commands-log-end", b"%d" % reading.newest),
    ]
    if reading.length is not None:
        headers.append((b"content-length", b"%d" % reading.length))
    return Transfer(status=200, headers=tuple(headers), reading=reading)


def _find(services: Services, command_id: str) -> Run:
    try:
        run = services.registry.find(command_id)
    except ExecutionNotFound:
        run = None
    if run is None or run.kind not in KINDS:
        raise CommandNotFound(f"no command {command_id[:64]!r}, or it is no longer kept")
    return run
