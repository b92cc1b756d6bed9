"""The outermost layer: who asks, may they, what went wrong, and one line in the log."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from execd.errors import ExecdError
from execd.http.auth import OPEN_PATHS, is_open
from execd.http.exchange import ClientLeft, Exchange
from execd.http.problem import answer_to
from execd.http.services import Services

_log: Final = logging.getLogger("execd.http")


class Entry:
    """Admits a request, gives it an id, and turns whatever is raised behind it into an answer."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one handshake, or the lifespan."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        exchange = Exchange(scope, receive, send, fresh_id=uuid.uuid4().hex)
        started = time.perf_counter()
        try:
            await self._serve(exchange, receive, send)
        except ClientLeft:
            pass
        except Exception as error:  # noqa: BLE001 - the one place where every fault becomes an answer
            await self._fail(exchange, error)
        finally:
            _log_request(exchange, ms=(time.perf_counter() - started) * 1000)

    async def _serve(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        scope = exchange.scope
        handshake = scope["type"] == "websocket"
        method, path = exchange.method, scope["path"]
        if handshake or not self._services.signer.admits(method, path, exchange.query):
            self._services.access.admit(scope["headers"], method=method, path=path, handshake=handshake)
        routed = {**scope, "execd.exchange": exchange}
        if is_open(method, path, handshake=handshake):
            await self._app(routed, receive, send)
            return
        with self._services.activity.underway():
            await self._app(routed, receive, send)

    async def _fail(self, exchange: Exchange, error: Exception) -> None:
        if not isinstance(error, ExecdError):
            _log.error("fault", exc_info=error, extra={"request_id": exchange.request_id})
        if exchange.status == 0:
            await exchange.write(answer_to(error, request_id=exchange.request_id))
        # After the first byte there is no status any more: the connection ends in the middle, and the client sees that.


async def _live(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _log_request(exchange: Exchange, *, ms: float) -> None:
    # The raw path is percent-encoded, so it cannot break a line; the query may hold what nobody should read.
    # A health check asks every few seconds; only an answer other than "well" is news.
    well = exchange.status == 200 and exchange.scope["path"] in OPEN_PATHS
    level = logging.DEBUG if well else logging.INFO
    if not _log.isEnabledFor(level):
        return
    path = exchange.scope.get("raw_path", b"").decode("latin-1")[:200]
    fields = {"request_id": exchange.request_id, "method": exchange.method, "path": path}
    _log.log(level, "request", extra={**fields, "status": exchange.status, "ms": round(ms, 1)})
