"""What a mutant may do to the traffic: change a request, answer it itself, change a reply, or a stream as it passes.

A rewrite is a record of functions, each of them optional; where none applies, bytes pass untouched. Bodies and streams
are rewritten by asynchronous generators: what one does not pull is not read, what it yields is sent at once, `await`
delays, and `raise Cut` breaks the connection off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request

Blocks = AsyncIterator[Block]
Pieces = AsyncIterator[bytes]


class Cut(Exception):
    """Break the connection off, in the midst of whatever is being sent."""


def everything(_request: Request) -> bool:
    """Apply to every request."""
    return True


def route(method: str, path: str) -> Callable[[Request], bool]:
    """Apply to one method of one path; a path that ends with `/` stands for all below it."""

    def matches(request: Request) -> bool:
        below = path.endswith("/") and request.path.startswith(path)
        return request.method == method and (below or request.path == path)

    return matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What happens to the exchanges that `where` picks by the request's head."""

    where: Callable[[Request], bool] = everything
    ask: Callable[[Request], Request | Reply] | None = None
    """Takes a request's method, target and headers; its body flows by. What it returns is passed on, or, if it is a
    reply, sent back without asking the daemon."""
    whole: Callable[[Request], Request | Reply] | None = None
    """Takes the whole request, once all of it has come; else as `ask`."""
    head: Callable[[Request, Reply], Reply] | None = None
    """Takes the status and headers of any reply, streams included; the body passes as it comes."""
    reply: Callable[[Request, Reply], Reply] | None = None
    """Takes a whole reply that is no stream. A Content-Length that the rewrite left too long ends in a cut."""
    pieces: Callable[[Request, Pieces], Pieces] | None = None
    """Takes the bytes of a body that is no stream, as they come."""
    events: Callable[[Request, Blocks], Blocks] | None = None
    """Takes a stream, event by event."""


IDENTITY = Rewrite()
