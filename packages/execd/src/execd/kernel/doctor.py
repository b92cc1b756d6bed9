"""Tries a kernel: whether it starts, shows a result, tells an error, and survives an interrupt with its state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from execd._wire import ContextChoice, CreateContextRequest, RunCodeRequest
from execd.errors import ExecdError
from execd.kernel.contexts import Contexts
from execd.kernel.spec import Spec, Trial
from execd.runs.reader import Reader
from execd.runs.registry import Registry

LIMIT_S: Final = 15.0
"""How long one of the three cells may take."""
Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one question: `complaint` is None where all is well."""

    question: str
    complaint: str | None
    took_ms: int


class Doctor:
    """Tries the kernel by which `contexts` serve a language."""

    def __init__(self, contexts: Contexts, registry: Registry, spec: Spec) -> None:
        self._contexts = contexts
        self._registry = registry
        self._spec = spec
        self._context = ""

    async def examine(self) -> list[Finding]:
        """Return what was found, up to a kernel that does not start."""
        findings = [await self._ask("start", self._start)]
        trial = self._spec.trial
        if trial is not None and self._context:
            findings += [
                await self._ask("result", lambda: self._result(trial)),
                await self._ask("error", lambda: self._error(trial)),
                await self._ask("interrupt", lambda: self._interrupt(trial)),
            ]
        if self._context:
            await self._contexts.delete(self._context)
        return findings

    async def _ask(self, question: str, answer: Callable[[], Coroutine[Any, Any, str | None]]) -> Finding:
        begun = time.monotonic()
        try:
            complaint = await answer()
        except ExecdError as error:
            complaint = error.message
        return Finding(question=question, complaint=complaint, took_ms=round(1000 * (time.monotonic() - begun)))

    async def _start(self) -> str | None:
        made = await self._contexts.create(CreateContextRequest(language=self._spec.language))
        self._context = made.id
        return None

    async def _result(self, trial: Trial) -> str | None:
        shown = _shown(await self._run(trial.result))
        return None if shown == trial.shows else f"{trial.result!r} showed {shown!r} in place of {trial.shows!r}"

    async def _error(self, trial: Trial) -> str | None:
        end = (await self._run(trial.error))[-1]
        if end.get("cause") != "raised":
            return f"{trial.error!r} ended as {_name(end)}"
        told = end["error"]["ename"]
        return None if trial.ename in (None, told) else f"{trial.error!r} raised {told!r} in place of {trial.ename!r}"

    async def _interrupt(self, trial: Trial) -> str | None:
        # A machine that has just started much may be late once; what is wrong with a kernel is so twice.
        return await self._interrupted(trial) and await self._interrupted(trial)

    async def _interrupted(self, trial: Trial) -> str | None:
        end = (await self._run(trial.endless, interrupt=True))[-1]
        if end.get("cause") != "interrupted":
            return f"{trial.endless!r} ended as {_name(end)}"
        if end.get("state_lost"):
            return "it ended only with its kernel"
        return await self._result(trial)

    async def _run(self, code: str, *, interrupt: bool = False) -> list[Event]:
        run = await self._contexts.run(RunCodeRequest(code=code, context=ContextChoice(id=self._context)))
        reader = self._registry.attach(run, after=0)
        try:
            events: list[Event] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(LIMIT_S):
                    async for event in _events(reader):
                        events.append(event)
                        if interrupt and event["type"] == "execution_count":
                            await self._contexts.interrupt(run.id)
            return events
        finally:
            reader.close()


async def _events(reader: Reader) -> Any:
    while not reader.done:
        for frame in reader.take().split(b"\n\n"):
            if (at := frame.find(b"data: ")) >= 0:
                yield msgspec.json.decode(frame[at + len(b"data: ") :])
        await reader.wait(1)


def _shown(events: list[Event]) -> str:
    values = [event["results"].get("text", "") for event in events if event["type"] == "result"]
    output = "".join(event["text"] for event in events if event["type"] == "stdout")
    return str(values[0] if values else output).strip()


def _name(end: Event) -> str:
    return str(end.get("cause") or f"nothing within {LIMIT_S:g} s")
