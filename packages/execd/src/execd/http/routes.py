"""The table of routes, in the order of the spec, and the application made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from execd.errors import MethodNotAllowed, RouteNotFound
from execd.http import code, commands, directories, executions, files, health, metrics, sessions, uploads
from execd.http.answer import Answer
from execd.http.entry import Entry
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events, write_events
from execd.http.transfer import Transfer

App = ASGIApp
Endpoint = Callable[[Exchange, Services], Awaitable[Answer | Events | Transfer]]

ROUTES: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("GET", "/ping", health.ping),
    ("GET", "/ready", health.ready),
    ("GET", "/version", health.version),
    ("POST", "/command", commands.start),
    ("DELETE", "/command", commands.interrupt),
    ("GET", "/command/status/{id}", commands.status),
    ("GET", "/command/{id}/logs", commands.logs),
    ("POST", "/session", sessions.create),
    ("POST", "/session/{id}/run", sessions.run),
    ("DELETE", "/session/{id}", sessions.delete),
    ("GET", "/executions", executions.list_all),
    ("GET", "/executions/{id}", executions.get),
    ("DELETE", "/executions/{id}", executions.delete),
    ("GET", "/executions/{id}/events", executions.events),
    ("POST", "/executions/{id}/stdin", executions.write_stdin),
    ("POST", "/executions/{id}/signal", executions.send_signal),
    ("POST", "/code/context", code.create_context),
    ("GET", "/code/contexts", code.list_contexts),
    ("DELETE", "/code/contexts", code.delete_contexts),
    ("GET", "/code/contexts/{id}", code.get_context),
    ("DELETE", "/code/contexts/{id}", code.delete_context),
    ("POST", "/code/contexts/{id}/restart", code.restart_context),
    ("GET", "/code/contexts/{id}/events", code.context_events),
    ("POST", "/code", code.run),
    ("DELETE", "/code", code.interrupt),
    ("GET", "/code/languages", code.languages),
    ("GET", "/files/info", files.info),
    ("POST", "/files/upload", files.upload),
    ("GET", "/files/download", files.download),
    ("POST", "/files/uploads", uploads.create),
    ("GET", "/files/uploads/{id}", uploads.show),
    ("PATCH", "/files/uploads/{id}", uploads.append),
    ("DELETE", "/files/uploads/{id}", uploads.delete),
    ("POST", "/files/uploads/{id}/complete", uploads.complete),
    ("PUT", "/files/content", files.write),
    ("POST", "/sign", files.sign),
    ("DELETE", "/files", files.remove),
    ("POST", "/files/permissions", files.set_permissions),
    ("POST", "/files/mv", files.move),
    ("GET", "/files/search", files.search),
    ("POST", "/files/replace", files.replace),
    ("POST", "/directories", directories.create),
    ("DELETE", "/directories", directories.remove),
    ("GET", "/directories/list", directories.show),
    ("GET", "/directories/archive", directories.archive),
    ("PUT", "/directories/archive", directories.unpack),
    ("GET", "/files/watch", files.watch),
    ("GET", "/metrics", metrics.snapshot),
    ("GET", "/metrics/watch", metrics.watch),
)


def build(services: Services) -> App:
    """Return the whole application over these services."""
    methods: dict[str, dict[str, Endpoint]] = {}
    for method, path, endpoint in ROUTES:
        methods.setdefault(path, {})[method] = endpoint
    routes: list[BaseRoute] = [Route(path, Methods(table, services)) for path, table in methods.items()]
    return Entry(Router(routes, redirect_slashes=False, default=_not_found), services)


class Methods:
    """The endpoints of one path; HEAD is what GET answers, without its body."""

    def __init__(self, table: dict[str, Endpoint], services: Services) -> None:
        self._table = {**table, "HEAD": table["GET"]} if "GET" in table else table
        self._services = services

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Answer one request by the endpoint of its method."""
        if scope["path"].endswith("\n"):
            # The router's patterns end in `$`, which lets a line feed through.
            raise _no_route(scope)
        endpoint = self._table.get(scope["method"])
        if endpoint is None:
            allowed = sorted(self._table)
            raise MethodNotAllowed(f"this route takes {', '.join(allowed)}", details={"allow": allowed})
        exchange: Exchange = scope["execd.exchange"]
        exchange.params = scope["path_params"]
        answer = await endpoint(exchange, self._services)
        if isinstance(answer, Answer):
            await exchange.write(answer)
        elif isinstance(answer, Transfer):
            await answer.write_to(exchange)
        else:
            services = self._services
            await write_events(exchange, answer, heartbeat_s=services.heartbeat_s, now_ms=services.now_ms)


async def _not_found(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise _no_route(scope)


def _no_route(scope: Scope) -> RouteNotFound:
    return RouteNotFound(f"no route {scope['path'][:200]!r}")
