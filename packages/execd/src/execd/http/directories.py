"""Directories over HTTP: made, removed, listed."""

from __future__ import annotations

from execd._wire import Permission
from execd.http.answer import EMPTY, Answer
from execd.http.body import decode
from execd.http.exchange import Exchange
from execd.http.files import entries, paths, the_path
from execd.http.services import Services
from execd.http.transfer import Transfer


async def create(exchange: Exchange, services: Services) -> Answer:
    """Make directories by path."""
    parents = exchange.query.flag("parents")
    wishes = decode(await services.arrivals.whole(exchange), dict[str, Permission])
    await services.files.make_directories(wishes, parents=parents is not False)
    return EMPTY


async def remove(exchange: Exchange, services: Services) -> Answer:
    """Remove the directories at each `path`."""
    recursive = exchange.query.flag("recursive")
    await services.files.remove_directories(paths(exchange), recursive=recursive is not False)
    return EMPTY


async def show(exchange: Exchange, services: Services) -> Transfer:
    """Answer what is in a directory, down to a depth."""
    path, depth = the_path(exchange), exchange.query.integer("depth")
    return entries(await services.files.list_directory(path, depth=1 if depth is None else depth))
