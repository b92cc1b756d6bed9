"""Alive, ready, and what this daemon can do."""

from __future__ import annotations

from typing import Final

import msgspec

from execd import __version__
from execd._wire import Feature, NotReadyDetails, VersionInfo
from execd.errors import NotReady
from execd.http.answer import EMPTY, Answer, json_answer
from execd.http.exchange import Exchange
from execd.http.services import Services

API_VERSION: Final = "1"


async def ping(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - every endpoint has this shape
    """Answer that the daemon is alive."""
    return EMPTY


async def ready(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - every endpoint has this shape
    """Answer whether runs can be started."""
    if services.waiting_for:
        details = NotReadyDetails(waiting_for=sorted(services.waiting_for))
        raise NotReady("the daemon is not ready", details=msgspec.to_builtins(details))
    return EMPTY


async def version(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - every endpoint has this shape
    """Answer what this daemon is and which extensions it has."""
    languages = await services.code.installed()
    info = VersionInfo(version=__version__, api_version=API_VERSION, features=list(Feature), languages=languages)
    return json_answer(info)
