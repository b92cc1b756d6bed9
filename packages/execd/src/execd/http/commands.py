"""Commands: start one and follow it, interrupt it, ask how it stands."""

from __future__ import annotations

from execd._wire import RunCommandRequest
from execd.errors import CommandNotFound, ExecutionNotFound
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events
from execd.http.views import command_status


async def start(exchange: Exchange, services: Services) -> Events:
    """Start a command, or attach to the one of that id, and follow it from its first event."""
    request = decode(await services.arrivals.whole(exchange), RunCommandRequest)
    run = services.commands.start(request)
    # No wait between start and attach: until somebody reads, nobody has left.
    return services.registry.attach(run, after=0)


async def interrupt(exchange: Exchange, services: Services) -> Answer:
    """Stop a command; the answer comes when it is gone."""
    await services.commands.interrupt(exchange.query.required("id"))
    return EMPTY


async def status(exchange: Exchange, services: Services) -> Answer:
    """Answer how a command stands."""
    command_id = exchange.params["id"]
    try:
        run = services.registry.find(command_id)
    except ExecutionNotFound:
        run = None
    if run is None or run.kind != "command":
        raise CommandNotFound(f"no command {command_id[:64]!r}, or it is no longer kept")
    return json_answer(command_status(run))
