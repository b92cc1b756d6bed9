"""Code: contexts and what is run in them, and what contexts say beside their runs."""

from __future__ import annotations

from execd._wire import CreateContextRequest, RunCodeRequest
from execd.http import stream
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events


async def create_context(exchange: Exchange, services: Services) -> Answer:
    """Answer a new context, when it takes code; a body that is not there asks for the default language."""
    body = await services.arrivals.whole(exchange)
    request = decode(body, CreateContextRequest) if body.strip() else CreateContextRequest()
    contexts = await services.code.contexts()
    return json_answer(await contexts.create(request))


async def list_contexts(exchange: Exchange, services: Services) -> Answer:
    """Answer the contexts, of one language where that is asked for."""
    contexts = await services.code.contexts()
    return json_answer(await contexts.show(exchange.query.text("language")))


async def get_context(exchange: Exchange, services: Services) -> Answer:
    """Answer one context."""
    contexts = await services.code.contexts()
    return json_answer(contexts.get(exchange.params["id"]))


async def delete_context(exchange: Exchange, services: Services) -> Answer:
    """End a context; the answer comes when nothing of it is left."""
    contexts = await services.code.contexts()
    await contexts.delete(exchange.params["id"])
    return EMPTY


async def delete_contexts(exchange: Exchange, services: Services) -> Answer:
    """End every context of a language."""
    language = exchange.query.required("language")
    contexts = await services.code.contexts()
    await contexts.delete_all(language)
    return EMPTY


async def restart_context(exchange: Exchange, services: Services) -> Answer:
    """Give a context a fresh kernel; the answer comes when that takes code."""
    contexts = await services.code.contexts()
    return json_answer(await contexts.restart(exchange.params["id"]))


async def context_events(exchange: Exchange, services: Services) -> Events | Answer:
    """Follow what a context says outside of its runs."""
    contexts = await services.code.contexts()
    contexts.get(exchange.params["id"])
    if exchange.method == "HEAD":
        return Answer(headers=stream.HEADERS)
    return contexts.listen(exchange.params["id"])


async def run(exchange: Exchange, services: Services) -> Events:
    """Run code, or attach to the run of that id, and follow it from its first event."""
    request = decode(await services.arrivals.whole(exchange), RunCodeRequest)
    contexts = await services.code.contexts()
    started = await contexts.run(request)
    # No wait between start and attach: until somebody reads, nobody has left.
    return services.registry.attach(started, after=0, name=exchange.reader)


async def interrupt(exchange: Exchange, services: Services) -> Answer:
    """Interrupt a run, by its id or by that of its context; the answer comes when it has ended."""
    some_id = exchange.query.required("id")
    contexts = await services.code.contexts()
    await contexts.interrupt(some_id)
    return EMPTY


async def languages(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - every endpoint has this shape
    """Answer what is installed."""
    contexts = await services.code.contexts()
    return json_answer(await contexts.languages())
