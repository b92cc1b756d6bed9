"""Sandboxes of either colour at any address, for scenarios that bring a daemon or a line of their own.

`@pytest.mark.parametrize("colour", COLOURS)`, then `async with connected(colour, url, token) as sandbox`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from execd_conformance.clock import in_thread
from execd_conformance.sdk import Adapted
from opensandbox import Sandbox, SandboxSync

COLOURS: Final = ("async", "sync")


async def connect(colour: str, url: str | None, token: str | None = None, **options: Any) -> Sandbox:
    """Return `Sandbox.connect(…)` of a colour."""
    if token is not None:
        options["access_token"] = token
    if colour == "async":
        return await Sandbox.connect(url, **options)
    return cast("Sandbox", Adapted(await in_thread(SandboxSync.connect, url, **options), Sandbox))


async def start_local(colour: str, *args: Any, **options: Any) -> Sandbox:
    """Return `Sandbox.local(…)` of a colour."""
    if colour == "async":
        return await Sandbox.local(*args, **options)
    return cast("Sandbox", Adapted(await in_thread(SandboxSync.local, *args, **options), Sandbox))


@asynccontextmanager
async def connected(colour: str, url: str, token: str | None) -> AsyncIterator[Sandbox]:
    """Open a sandbox of a colour, and close it at the end."""
    sandbox = await connect(colour, url, token)
    async with sandbox:
        yield sandbox


async def raised(call: Any) -> BaseException | None:
    """Return what awaiting this raises, if it does."""
    try:
        await call
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is judged
        return fault
    return None
