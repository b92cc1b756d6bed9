"""The command `execd` itself, run by scenarios that look at its flags, its output and its exit status."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from execd_conformance.broken import Broken
from execd_conformance.raw import Raw
from execd_conformance.session import Session

_START_S: Final = 30.0
_END_S: Final = 10.0


@dataclass(slots=True)
class Program:
    """A daemon that was started by its command, and what it says."""

    process: Process
    ready: dict[str, Any]
    """Its ready line."""
    raw: Raw
    directory: Path
    """A fresh one, in which it was started."""
    log: Path
    """What it writes to standard error."""

    async def ended(self, limit_s: float = _END_S) -> tuple[int, bytes]:
        """Wait for its end; return its exit status and what it has written to standard output since its ready line."""
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        try:
            async with asyncio.timeout(limit_s):
                said = await self.process.stdout.read()
                return await self.process.wait(), said
        except TimeoutError:
            raise Broken(f"the daemon's end was expected within {limit_s:g} s") from None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What came of a command that ended by itself."""

    status: int
    out: str
    err: str

    @property
    def is_one_line(self) -> bool:
        """Whether it said one line on standard error and nothing else."""
        return self.out == "" and self.err.endswith("\n") and self.err.count("\n") == 1 and len(self.err) > 1


@asynccontextmanager
async def program(
    target: Session, *arguments: str, token: str | None = None, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run `execd` with these arguments and variables, and no other settings, to the end of the block.

    It listens on a free port unless the arguments say otherwise; `token` is for the client.
    """
    if not any(argument.lstrip("-").partition("=")[0] in ("port", "uds") for argument in arguments):
        arguments = (*arguments, "--port", "0")
    with tempfile.TemporaryDirectory(prefix="execd-conformance-") as name:
        directory = Path(name)
        log = directory / "log"
        process, lifeline = await _spawn(target, arguments, variables or {}, directory, log)
        try:
            ready = await _ready(process, log)
            raw = Raw(str(ready.get("url")), token)
            try:
                yield Program(process, ready, raw, directory, log)
            finally:
                await raw.aclose()
        finally:
            os.close(lifeline)
            await _end(process)


async def refusal(target: Session, *arguments: str, variables: Mapping[str, str] | None = None) -> Refusal:
    """Run `execd` with arguments that it is expected to end on."""
    with tempfile.TemporaryDirectory(prefix="execd-conformance-") as name:
        log = Path(name, "log")
        process, lifeline = await _spawn(target, arguments, variables or {}, Path(name), log)
        try:
            async with asyncio.timeout(_START_S):
                out, _ = await process.communicate()
        except TimeoutError:
            raise Broken(f"execd {' '.join(arguments)} was to end, and went on") from None
        finally:
            os.close(lifeline)
            await _end(process)
        return Refusal(process.returncode or 0, out.decode("utf-8", "replace"), _text(log))


async def _spawn(
    target: Session, arguments: tuple[str, ...], variables: Mapping[str, str], directory: Path, log: Path
) -> tuple[Process, int]:
    execd = target.choice.execd
    command = [sys.executable, "-m", "execd"] if execd is None else [execd]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXECD_")}
    watched, lifeline = os.pipe()
    ours = {"EXECD_STATE_DIR": f"{directory}/state", "EXECD_LIFELINE_FD": str(watched)}
    try:
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                *arguments,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=errors,
                cwd=directory,
                env={**environment, **ours, **variables},
                pass_fds=(watched,),
            )
    finally:
        os.close(watched)
    return process, lifeline


async def _ready(process: Process, log: Path) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    line = b""
    with suppress(TimeoutError, ValueError):
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        told = json.loads(line)
        if isinstance(told, dict):
            return told
    raise Broken(f"a line that says it is ready was expected, {line[:300]!r} came, and {_text(log)[-300:]!r}")


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def _text(log: Path) -> str:
    return log.read_text("utf-8", "replace")
