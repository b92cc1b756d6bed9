"""Live shell sessions: open one, run commands in it, end it."""

from __future__ import annotations

from execd._wire import CreateSessionRequest, RunInSessionRequest, SessionCreated
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events


async def create(exchange: Exchange, services: Services) -> Answer:
    """Answer a new session, when its shell takes commands; a body that is not there asks for nothing special."""
    body = await services.arrivals.whole(exchange)
    request = decode(body, CreateSessionRequest) if body.strip() else CreateSessionRequest()
    return json_answer(SessionCreated(session_id=await services.sessions.create(request)))


async def run(exchange: Exchange, services: Services) -> Events:
    """Run a command in a session, or attach to the run of that id, and follow it from its first event."""
    request = decode(await services.arrivals.whole(exchange), RunInSessionRequest)
    started = services.sessions.run(exchange.params["id"], request)
    # No wait between start and attach: until somebody reads, nobody has left.
    return services.registry.attach(started, after=0, name=exchange.reader)


async def delete(exchange: Exchange, services: Services) -> Answer:
    """End a session; the answer comes when nothing of it is left."""
    await services.sessions.delete(exchange.params["id"])
    return EMPTY
