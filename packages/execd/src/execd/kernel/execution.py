"""The life of one cell as tables: what the kernel says and what happens to it come in, what is to be done comes out.

Two tables run side by side. `LIFE` follows the cell from request to end, `HEARING` what has been heard of its end: a
cell is over when its reply *and* its idle status have come, in either order, and matched by their parent. Kernels lose
either (the idle under load, the reply when an interrupt hits the kernel itself); a time of silence stands in for it.
A pair that stands in neither table changes nothing. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from execd.kernel.messages import Event, Failure, Message, Output, count, failure, leaves, pages, said
from execd.runs.ends import End


class Life(Enum):
    """Where a cell is."""

    SENT = auto()
    """The kernel has its code, but has not begun with it: an interrupt would be lost."""
    RUNNING = auto()
    STOPPING = auto()
    """Sent, and to be interrupted as soon as it begins."""
    INTERRUPTED = auto()
    KILLED = auto()
    """The kernel has been killed for it."""
    ENDED = auto()


class Hearing(Enum):
    """What has been heard of a cell's end."""

    NOTHING = auto()
    REPLY = auto()
    IDLE = auto()
    ALL = auto()


class Kind(Enum):
    """What can happen."""

    BEGUN = auto()
    SPOKE = auto()
    """The kernel said something for this cell."""
    REPLIED = auto()
    IDLE = auto()
    SILENCE_OVER = auto()
    STOP = auto()
    """We end the cell: a request, its time, its last reader gone, the daemon going down."""
    GRACE_OVER = auto()
    DIED = auto()
    HEARD_ALL = auto()
    """Made here, never from outside: nothing more is waited for."""
    MUTE = auto()
    """Made here: it has finished without a reply, as a kernel does that is broken inside."""


class Do(Enum):
    """What is to be done, in the order given."""

    INTERRUPT = auto()
    KILL = auto()
    START_GRACE = auto()
    START_SILENCE = auto()
    """Start the time of silence, or start it again."""
    RETIRE = auto()
    """The kernel is about to leave by itself (`exit()`): give it no further cell."""
    FINISH = auto()
    """Stop every timer and write the terminal event, as `end` says."""


class Late(NamedTuple):
    """A message that belongs to no cell that runs: the context's own stream tells of it."""

    message: Message


Effect = Do | Output | Event | Late


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a kernel ended: by an exit code or a signal, by whom and why if not by itself, and with which last words."""

    exit_code: int | None = None
    signal: str | None = None
    memory_kill: bool = False
    reason: str | None = None
    """What it did that it had to be killed for."""
    last_words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.reason:
            return f"the kernel {self.reason}"
        if self.memory_kill:
            return "the kernel was killed: out of memory"
        if self.signal:
            return f"the kernel was killed by {self.signal}"
        return "the kernel ended" if self.exit_code is None else f"the kernel exited with status {self.exit_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that is known of a cell; `parent` is the id of its request."""

    parent: str
    life: Life = Life.SENT
    hearing: Hearing = Hearing.NOTHING
    cause: str | None = None
    """Why we ended it, if we did: it stands whatever the kernel says afterwards."""
    status: str | None = None
    """The reply's status, if there was one."""
    failure: Failure | None = None
    counted: bool = False
    killed: bool = False
    forfeit: bool = False
    """Whether its kernel will be replaced, however the cell ends."""
    death: Death | None = None


Step = tuple[State, list[Effect]]


class Move(NamedTuple):
    """The next life, and what is to be done on the way."""

    life: Life
    do: tuple[Do, ...] = ()


LIFE: Final[dict[Life, dict[Kind, Move]]] = {
    Life.SENT: {
        Kind.BEGUN: Move(Life.RUNNING),
        Kind.STOP: Move(Life.STOPPING, (Do.START_GRACE,)),
        Kind.HEARD_ALL: Move(Life.ENDED, (Do.FINISH,)),
        Kind.DIED: Move(Life.ENDED, (Do.FINISH,)),
    },
    Life.RUNNING: {
        Kind.STOP: Move(Life.INTERRUPTED, (Do.INTERRUPT, Do.START_GRACE)),
        Kind.MUTE: Move(Life.KILLED, (Do.KILL, Do.START_GRACE)),
        Kind.HEARD_ALL: Move(Life.ENDED, (Do.FINISH,)),
        Kind.DIED: Move(Life.ENDED, (Do.FINISH,)),
    },
    Life.STOPPING: {
        Kind.BEGUN: Move(Life.INTERRUPTED, (Do.INTERRUPT,)),
        Kind.GRACE_OVER: Move(Life.KILLED, (Do.KILL, Do.START_GRACE)),
        Kind.HEARD_ALL: Move(Life.ENDED, (Do.FINISH,)),
        Kind.DIED: Move(Life.ENDED, (Do.FINISH,)),
    },
    Life.INTERRUPTED: {
        Kind.GRACE_OVER: Move(Life.KILLED, (Do.KILL, Do.START_GRACE)),
        Kind.HEARD_ALL: Move(Life.ENDED, (Do.FINISH,)),
        Kind.DIED: Move(Life.ENDED, (Do.FINISH,)),
    },
    Life.KILLED: {
        # What it still says is written down, but its end is the kernel's, or comes without it: SIGKILL may fail too.
        Kind.GRACE_OVER: Move(Life.ENDED, (Do.FINISH,)),
        Kind.DIED: Move(Life.ENDED, (Do.FINISH,)),
    },
    Life.ENDED: {},
}

HEARING: Final[dict[Hearing, dict[Kind, Hearing]]] = {
    Hearing.NOTHING: {Kind.REPLIED: Hearing.REPLY, Kind.IDLE: Hearing.IDLE},
    Hearing.REPLY: {Kind.SPOKE: Hearing.REPLY, Kind.IDLE: Hearing.ALL, Kind.SILENCE_OVER: Hearing.ALL},
    Hearing.IDLE: {Kind.SPOKE: Hearing.IDLE, Kind.REPLIED: Hearing.ALL, Kind.SILENCE_OVER: Hearing.ALL},
    Hearing.ALL: {},
}

_RESTARTS_SILENCE: Final = (Kind.SPOKE, Kind.REPLIED, Kind.IDLE)

STOPPED: Final[dict[str, tuple[str, str, str]]] = {
    "interrupted": ("INTERRUPTED", "KeyboardInterrupt", "the cell was interrupted"),
    "timed_out": ("EXECUTION_TIMEOUT", "TimeoutError", "the cell ran longer than its timeout"),
    "cancelled": ("CANCELLED", "Cancelled", "nobody reads the cell's events any more"),
    "shutting_down": ("SHUTTING_DOWN", "ShuttingDown", "the daemon is going down"),
    "internal_error": ("RUNTIME_ERROR", "InternalError", "a fault of the daemon's own; its log says more"),
}
"""Cause of our ending a cell → code, and the error's name and value."""


def step(state: State, kind: Kind, *, cause: str | None = None, death: Death | None = None) -> Step:
    """Return the state after something happened, and what is to be done; a stop has a cause, a death says how."""
    if state.life is Life.ENDED or (kind is Kind.STOP and state.status is not None):
        # A stop that comes after the reply comes too late: the cell is over, only its idle status is missing.
        return state, []
    if kind is Kind.SILENCE_OVER and state.hearing is Hearing.IDLE and state.life is Life.RUNNING:
        return _live(state, Kind.MUTE)
    heard = HEARING[state.hearing].get(kind, state.hearing)
    state, do = _live(replace(state, hearing=heard, death=death or state.death), kind, cause=cause)
    if heard is Hearing.ALL:
        state, more = _live(state, Kind.HEARD_ALL)
        do += more
    elif heard is not Hearing.NOTHING and kind in _RESTARTS_SILENCE:
        do.append(Do.START_SILENCE)
    return state, do


def _live(state: State, kind: Kind, *, cause: str | None = None) -> Step:
    move = LIFE[state.life].get(kind)
    if move is None:
        return state, []
    decided = state.cause or cause
    return replace(state, life=move.life, cause=decided, killed=state.killed or Do.KILL in move.do), list(move.do)


def hear(state: State, message: Message) -> Step:
    """Return the state after a message, and what is to be done; one of another cell, or after the end, is `Late`."""
    if message.parent != state.parent or state.life is Life.ENDED:
        return state, [Late(message)]
    if message.type == "status":
        idle = message.content.get("execution_state") == "idle"
        return step(state, Kind.IDLE) if idle else (state, [])
    if message.type == "execute_reply":
        return _replied(state, message.content)
    state, shown = _shown(state, message)
    state, begun = step(state, Kind.BEGUN)
    state, do = step(state, Kind.SPOKE)
    return state, [*shown, *begun, *do]


def _replied(state: State, content: Mapping[str, Any]) -> Step:
    state, counted = _counted(state, content)
    # What was shown as the error is what happened: the reply may tell of something inside of the kernel.
    found = state.failure or failure(content)
    going = leaves(content)
    state = replace(state, status=str(content.get("status")), failure=found, forfeit=state.forfeit or going)
    state, do = step(state, Kind.REPLIED)
    leaving: list[Effect] = [Do.RETIRE] if going else []
    return state, [*counted, *pages(content), *leaving, *do]


def _shown(state: State, message: Message) -> Step:
    if message.type == "error":
        return replace(state, failure=failure(message.content) or state.failure), []
    if message.type == "execute_input":
        return _counted(state, message.content)
    shown = said(message)
    return state, [] if shown is None else [shown]


def _counted(state: State, content: Mapping[str, Any]) -> Step:
    event = None if state.counted else count(content)
    return (state, []) if event is None else (replace(state, counted=True), [event])


def end(state: State) -> End:
    """Return how the cell ended: why we ended it, else how the kernel says it went, else how the kernel went."""
    lost = state.killed or state.forfeit or state.death is not None
    if state.cause:
        return stopped(state.cause, state.failure, lost=lost)
    if state.death is not None and (state.status is None or state.death.reason):
        # One that was broken had not said all when it said that it was done.
        mute = state.killed and state.status is None
        return died(
            replace(state.death, signal=None, reason=state.death.reason or "gave no reply") if mute else state.death
        )
    if state.status == "ok":
        return End(cause="completed", state_lost=lost)
    found = state.failure or Failure("KernelError", f"the kernel's reply was {state.status!r}", ())
    return End(cause="raised", code="EXECUTION_FAILED", **found._asdict(), state_lost=lost)


def stopped(cause: str, found: Failure | None = None, *, lost: bool = False) -> End:
    """Return the end of a cell that we ended; `found` is what its code raised at that."""
    code, ename, evalue = STOPPED[cause]
    traceback = found.traceback if found else (f"{ename}: {evalue}",)
    if cause == "interrupted" and found:
        ename, evalue = found.ename, found.evalue or evalue
    return End(cause=cause, code=code, ename=ename, evalue=evalue, traceback=traceback, state_lost=lost)


def died(death: Death) -> End:
    """Return the end of a cell whose kernel died."""
    cause, code = ("out_of_memory", "OUT_OF_MEMORY") if death.memory_kill else ("kernel_died", "KERNEL_DIED")
    details = {"exit_code": death.exit_code, "signal": death.signal}
    return End(
        cause=cause,
        code=code,
        ename="KernelDied",
        evalue=str(death),
        traceback=death.last_words or (str(death),),
        details={name: value for name, value in details.items() if value is not None},
        state_lost=True,
    )
