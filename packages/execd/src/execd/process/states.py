"""The life of a command as tables: what has happened comes in, what is to be done comes out, and nothing here waits.

Two tables run side by side: `LIFE` follows the processes, `OUTPUT` the pipes; the command ends when both are at rest. A
pair that stands in neither changes nothing: a timer that was late, an end of the pipes after the end of the drain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, NamedTuple


class Life(Enum):
    """Where the processes of a command are."""

    STARTING = auto()
    RUNNING = auto()
    TERMINATING = auto()
    """The leader lives and has been asked to go."""
    KILLING = auto()
    """The leader lives and has been sent SIGKILL."""
    EXITED = auto()
    """The leader left by itself; what it left behind is none of our business."""
    SWEEPING = auto()
    """The leader is gone, the rest has been asked to go."""
    PURGING = auto()
    """The leader is gone, the rest has been sent SIGKILL."""
    LOST = auto()
    """Nothing that we can do ends the leader; it is reaped if it ever goes."""
    GONE = auto()


class Output(Enum):
    """Where the output is."""

    OPEN = auto()
    DRAINING = auto()
    """Nobody is left whom we wait for, but a pipe is still open."""
    CLOSED = auto()
    ENDED = auto()
    """The terminal event is written; no byte comes after it."""


class Kind(Enum):
    """What can happen."""

    STARTED = auto()
    START_FAILED = auto()
    EXITED = auto()
    """The leader exited."""
    GROUP_GONE = auto()
    """Nobody but the leader was left."""
    STOP = auto()
    """We end the run: a request, the last reader gone, the daemon going down."""
    TIMEOUT = auto()
    SIGNAL = auto()
    """A request to send one signal."""
    FAULT = auto()
    """A fault of the daemon's own."""
    GRACE_OVER = auto()
    PIPES_ENDED = auto()
    DRAIN_OVER = auto()
    AT_REST = auto()
    """Made here, never from outside: nobody is left whom we wait for."""


class Do(Enum):
    """What is to be done, in the order given."""

    TERMINATE = auto()
    """Send SIGTERM to everyone of the run."""
    KILL = auto()
    """Send SIGKILL to everyone of the run."""
    FORWARD = auto()
    """Send the requested signal to the group."""
    WATCH = auto()
    """Report GROUP_GONE as soon as nobody but the leader is left."""
    START_TIMEOUT = auto()
    START_GRACE = auto()
    """Start the time that SIGTERM gets; GRACE_OVER is its end."""
    START_LIMIT = auto()
    """Start the time that SIGKILL gets, in place of it."""
    START_DRAIN = auto()
    RELEASE = auto()
    """The leader is gone: hold nothing up for readers, close its standard input."""
    FLUSH = auto()
    """Take what is in the pipes at this moment."""
    DISCARD = auto()
    """Go on reading the pipes, for nobody."""
    REAP = auto()
    FINISH = auto()
    """Stop every timer and write the terminal event, as `verdict` says."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the leader ended: with a code or by a signal; `memory_kill` if the kernel has killed for memory meanwhile."""

    code: int | None = None
    signal: str | None = None
    memory_kill: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that has happened, with what belongs to its kind: a stop's cause, an exit, a signal's name."""

    kind: Kind
    cause: str = ""
    exit: Exit | None = None
    signal: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of a command."""

    life: Life = Life.STARTING
    output: Output = Output.OPEN
    cause: str = ""
    """Why we ended it, if we did: it stands whatever the leader's exit."""
    exit: Exit | None = None
    asked: frozenset[str] = frozenset()
    """Signals that were requested while the leader lived."""


class Move(NamedTuple):
    """The next life, what is to be done on the way, and whether the input's cause becomes the cause of the end."""

    life: Life
    do: tuple[Do, ...] = ()
    decides: bool = False


class Turn(NamedTuple):
    """The same for the output."""

    output: Output
    do: tuple[Do, ...] = ()


LIFE: Final[dict[Life, dict[Kind, Move]]] = {
    Life.STARTING: {
        Kind.STARTED: Move(Life.RUNNING, (Do.START_TIMEOUT,)),
        Kind.START_FAILED: Move(Life.GONE, decides=True),
        Kind.FAULT: Move(Life.GONE, decides=True),
    },
    Life.RUNNING: {
        Kind.EXITED: Move(Life.EXITED, (Do.RELEASE,)),
        Kind.STOP: Move(Life.TERMINATING, (Do.TERMINATE, Do.START_GRACE), decides=True),
        Kind.TIMEOUT: Move(Life.TERMINATING, (Do.TERMINATE, Do.START_GRACE), decides=True),
        Kind.SIGNAL: Move(Life.RUNNING, (Do.FORWARD,)),
        Kind.FAULT: Move(Life.KILLING, (Do.KILL, Do.START_LIMIT), decides=True),
    },
    Life.TERMINATING: {
        Kind.EXITED: Move(Life.SWEEPING, (Do.RELEASE, Do.WATCH)),
        Kind.SIGNAL: Move(Life.TERMINATING, (Do.FORWARD,)),
        Kind.GRACE_OVER: Move(Life.KILLING, (Do.KILL, Do.START_LIMIT)),
        Kind.FAULT: Move(Life.KILLING, (Do.KILL, Do.START_LIMIT), decides=True),
    },
    Life.KILLING: {
        Kind.EXITED: Move(Life.PURGING, (Do.RELEASE, Do.WATCH)),
        # Not even SIGKILL ends it: uninterruptible, or of a user whom we may not signal. The run ends all the same.
        Kind.GRACE_OVER: Move(Life.LOST),
    },
    Life.EXITED: {
        # The leader's exit stays the cause, but a stop that is accepted leaves nobody behind.
        Kind.STOP: Move(Life.SWEEPING, (Do.TERMINATE, Do.START_GRACE, Do.WATCH)),
        Kind.FAULT: Move(Life.PURGING, (Do.KILL, Do.START_LIMIT, Do.WATCH), decides=True),
    },
    Life.SWEEPING: {
        Kind.GROUP_GONE: Move(Life.GONE, (Do.REAP,)),
        Kind.GRACE_OVER: Move(Life.PURGING, (Do.KILL, Do.START_LIMIT)),
        Kind.FAULT: Move(Life.PURGING, (Do.KILL, Do.START_LIMIT), decides=True),
    },
    Life.PURGING: {
        Kind.GROUP_GONE: Move(Life.GONE, (Do.REAP,)),
        Kind.GRACE_OVER: Move(Life.GONE, (Do.REAP,)),
    },
    Life.LOST: {
        Kind.EXITED: Move(Life.GONE, (Do.RELEASE, Do.REAP)),
    },
    Life.GONE: {},
}

OUTPUT: Final[dict[Output, dict[Kind, Turn]]] = {
    Output.OPEN: {
        Kind.PIPES_ENDED: Turn(Output.CLOSED),
        Kind.AT_REST: Turn(Output.DRAINING, (Do.START_DRAIN,)),
        Kind.START_FAILED: Turn(Output.CLOSED),
        Kind.FAULT: Turn(Output.CLOSED, (Do.DISCARD,)),
    },
    Output.DRAINING: {
        Kind.PIPES_ENDED: Turn(Output.CLOSED),
        Kind.DRAIN_OVER: Turn(Output.CLOSED, (Do.FLUSH, Do.DISCARD)),
        Kind.FAULT: Turn(Output.CLOSED, (Do.DISCARD,)),
    },
    Output.CLOSED: {},
    Output.ENDED: {},
}

_AT_REST: Final = {Life.EXITED, Life.LOST, Life.GONE}


def step(state: State, happened: Input) -> tuple[State, tuple[Do, ...]]:
    """Return the state after `happened`, and what is to be done; raises `LookupError` for what cannot come first."""
    if state.life is Life.STARTING and happened.kind not in LIFE[Life.STARTING]:
        raise LookupError(f"{happened.kind.name} before the start is known")
    after, do = _live(state, happened)
    after, more = _write(after, happened.kind)
    do += more
    if after.life in _AT_REST and state.life not in _AT_REST:
        after, more = _write(after, Kind.AT_REST)
        do += more
    if after.life in _AT_REST and after.output is Output.CLOSED:
        after, more = _end(after)
        do += more
    return after, do


def _live(state: State, happened: Input) -> tuple[State, tuple[Do, ...]]:
    move = LIFE[state.life].get(happened.kind)
    if move is None:
        return state, ()
    after = replace(
        state,
        life=move.life,
        cause=happened.cause if move.decides else state.cause,
        exit=happened.exit or state.exit,
        asked=state.asked | {happened.signal} if happened.signal else state.asked,
    )
    return after, move.do


def _write(state: State, kind: Kind) -> tuple[State, tuple[Do, ...]]:
    turn = OUTPUT[state.output].get(kind)
    return (replace(state, output=turn.output), turn.do) if turn else (state, ())


def _end(state: State) -> tuple[State, tuple[Do, ...]]:
    # The leader that exited by itself stayed a zombie until now, so that its group could still be named.
    if state.life is Life.EXITED:
        return replace(state, life=Life.GONE, output=Output.ENDED), (Do.REAP, Do.FINISH)
    return replace(state, output=Output.ENDED), (Do.FINISH,)


def verdict(state: State) -> str:
    """Return the cause of the end: the first rule that holds."""
    exit_ = state.exit
    if state.cause or exit_ is None:
        return state.cause or "internal_error"
    if exit_.signal is None:
        return "exited"
    if exit_.signal in state.asked:
        return "interrupted"
    return "out_of_memory" if exit_.signal == "SIGKILL" and exit_.memory_kill else "signaled"
