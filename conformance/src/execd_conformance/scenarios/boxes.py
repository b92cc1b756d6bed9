"""`box`: a container of a scenario's own, with the options that the scenario is about; and what is often done in it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from docker.errors import APIError
from docker.models.containers import Container

from execd_conformance.broken import Broken
from execd_conformance.clock import in_thread
from execd_conformance.raw import Raw, Reply
from execd_conformance.session import Session
from execd_conformance.targets.docker import DockerDaemon, DockerTarget
from opensandbox import Sandbox

T = TypeVar("T")

SMALL: Final[Mapping[str, Any]] = {
    "mem_limit": "256m",
    "memswap_limit": "256m",
    "nano_cpus": 1_000_000_000,
    "pids_limit": 128,
}
"""What a box gets that asks for nothing else."""
_LOG_LINES: Final = 20
_FREEZES: Final = 9


@dataclass(frozen=True, slots=True)
class Box:
    """A container, and a client of the daemon in it."""

    daemon: DockerDaemon
    raw: Raw

    @property
    def container(self) -> Container:
        """The engine's view of it."""
        return self.daemon.container

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something to the container, which blocks, beside everything else that goes on."""
        async with asyncio.timeout(30.0):
            return await in_thread(work, *arguments)

    async def stop(self, grace_s: int = 10) -> None:
        """`docker stop`: SIGTERM, and SIGKILL after the grace."""
        await self.do(lambda: self.container.stop(timeout=grace_s))

    async def exit_status(self, limit_s: float = 20.0) -> int:
        """Wait for its end."""
        try:
            return await self.do(self.daemon.wait, limit_s)
        except TimeoutError as fault:
            raise Broken(f"the container was to end: {fault}") from None

    async def state(self) -> dict[str, Any]:
        """Return what the engine says of its state."""
        await self.do(self.container.reload)
        return dict(self.container.attrs["State"])

    async def inside(self, command: str, *, user: str = "root") -> str:
        """Run a command in the container by the engine, past the daemon, and return its output."""
        result = await self.do(lambda: self.container.exec_run(["sh", "-c", command], user=user))
        output: Any = result.output  # bytes, where neither a stream nor a socket was asked for
        return str(output, "utf-8", "replace")

    async def sandbox(self) -> Sandbox:
        """Return an SDK's view of it, to be used in `async with`."""
        return await Sandbox.connect(self.raw.url, access_token=self.raw.token, ready_timeout=10)


def pause(container: Container) -> None:
    """Pause a container; it blocks. Some kernels cannot freeze a busy one at once, and the engine gives up early."""
    for last in (False,) * _FREEZES + (True,):
        try:
            container.pause()
        except APIError as refusal:
            if last or "freeze" not in str(refusal.explanation):
                raise
        else:
            return


def source(target: Session) -> DockerTarget:
    """Return where containers of the image come from; the scenario needs `container`."""
    made = target.source()
    assert isinstance(made, DockerTarget)  # noqa: S101 - no other gives containers
    return made


@asynccontextmanager
async def box(
    target: Session, *, settings: Mapping[str, str] | None = None, waits: bool = True, **options: Any
) -> AsyncIterator[Box]:
    """Give a container with these options of the engine's client library; removed afterwards.

    Its log goes to whatever fault comes out of the block.
    """
    token = secrets.token_urlsafe(24)
    daemon = await in_thread(source(target).run, settings or {}, token=token, options={**SMALL, **options})
    raw = Raw(daemon.place.url, token)
    try:
        if waits:
            await in_thread(daemon.await_ready)
            raw.features = frozenset((await raw.request("GET", "/version")).json().get("features", ()))
        yield Box(daemon, raw)
    except Exception as fault:
        fault.add_note("\n".join(daemon.log().strip().splitlines()[-_LOG_LINES:]))
        raise
    finally:
        await raw.aclose()
        await in_thread(daemon.close)


async def upload(raw: Raw, path: str, content: bytes) -> Reply:
    """Send a file."""
    parts = [("metadata", ("metadata", json.dumps({"path": path}), "application/json")), ("file", ("file", content))]
    return await raw.request("POST", "/files/upload", files=parts, timeout_s=20.0)


async def cell(raw: Raw, code: str, **context: str) -> list[object]:
    """Run a cell, and return what it printed and how it ended."""
    request = {"code": code, "context": {"language": "python", **context}}
    async with raw.stream("POST", "/code", json=request, timeout_s=40.0) as stream:
        if stream.problem is not None:
            return [stream.problem.code]
        events = [event async for event in stream]
    # A kernel may send what one `print` writes in parts: its text, and the end of its line.
    printed = "".join(str(event["text"]) for event in events if event.type == "stdout")
    return [*filter(None, [printed]), events[-1].type]
