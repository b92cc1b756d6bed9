"""A small world of processes and pipes, in which the tables of a command's life are driven by a list of choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from execd.process.states import Do, Exit, Input, Kind, Life, Output, State, step, verdict

_NOT_KILLED_YET = {Life.RUNNING, Life.TERMINATING, Life.EXITED, Life.SWEEPING}
_CAUSES = ("interrupted", "cancelled", "shutting_down")


@dataclass
class Member:
    """A process that the leader left behind, with what it does to us."""

    recognised: bool = True
    ignores_term: bool = False
    unkillable: bool = False
    holds_pipe: bool = False
    alive: bool = True


@dataclass
class World:
    """Everything outside of the tables: it obeys what they ask, and tells them what happens, later and in any order."""

    leader_ignores_term: bool = False
    leader_unkillable: bool = False
    memory_kill: bool = False
    members: list[Member] = field(default_factory=list)
    state: State = field(default_factory=State)
    done: list[Do] = field(default_factory=list)
    leader_exit: Exit | None = None
    told: set[Kind] = field(default_factory=set)
    timers: set[Kind] = field(default_factory=set)
    watched: bool = False
    stopped: bool = False
    unread: int = 0
    reading: bool = True
    expected: str | None = None

    # ── what the tables ask for ──────────────────────────────────────────────────────────────────────────────────────

    def feed(self, happened: Input) -> None:
        self.state, todo = step(self.state, happened)
        for do in todo:
            self.done.append(do)
            self._obey(do, happened)

    def _obey(self, do: Do, happened: Input) -> None:
        match do:
            case Do.TERMINATE:
                self._signal(
                    "SIGTERM", spared=lambda member: member.ignores_term, leader_spared=self.leader_ignores_term
                )
            case Do.KILL:
                self._signal("SIGKILL", spared=lambda _: False, leader_spared=False)
            case Do.FORWARD:
                self.leader_dies(Exit(signal=happened.signal))
            case Do.WATCH:
                self.watched = True
            case Do.START_TIMEOUT:
                self.timers.add(Kind.TIMEOUT)
            case Do.START_GRACE | Do.START_LIMIT:
                self.timers.add(Kind.GRACE_OVER)
            case Do.START_DRAIN:
                self.timers.add(Kind.DRAIN_OVER)
            case Do.FLUSH:
                assert self.reading
                self.unread = 0
            case Do.DISCARD:
                self.reading = False
            case Do.REAP:
                assert self.leader_exit, "the leader is reaped only when it has exited"
                assert self.done.count(Do.REAP) == 1
            case Do.FINISH:
                self.timers.clear()
                self._check_end()

    def _signal(self, name: str, *, spared: Callable[[Member], bool], leader_spared: bool) -> None:
        assert Do.REAP not in self.done, "a group is signalled only while its leader holds its number"
        for member in self.members:
            if member.recognised and not member.unkillable and not spared(member):
                member.alive = False
        if not leader_spared and not self.leader_unkillable:
            self.leader_dies(Exit(signal=name))

    def leader_dies(self, exit_: Exit) -> None:
        self.leader_exit = self.leader_exit or exit_

    # ── what may happen next ─────────────────────────────────────────────────────────────────────────────────────────

    def possible(self) -> list[Callable[[], object]]:
        return [*self.bound_to_happen(), *self._free()]

    def bound_to_happen(self) -> list[Callable[[], object]]:
        """Return what comes sooner or later, whoever does nothing."""
        return [
            *self.news(),
            *(partial(self.ring, timer) for timer in sorted(self.timers, key=lambda kind: kind.value)),
        ]

    def news(self) -> list[Callable[[], object]]:
        """Return what the kernel has to tell."""
        ahead: list[Callable[[], object]] = []
        if self.leader_exit and Kind.EXITED not in self.told:
            ahead.append(self.tell_exit)
        if self.pipes_free and Kind.PIPES_ENDED not in self.told:
            ahead.append(self.tell_pipes_ended)
        if self.watched and Kind.GROUP_GONE not in self.told and not any(self._in_reach()):
            ahead.append(lambda: self._tell(Input(Kind.GROUP_GONE)))
        return ahead

    def _free(self) -> list[Callable[[], object]]:
        free: list[Callable[[], object]] = [partial(self.stop, cause) for cause in _CAUSES]
        free += [self.request_signal, self.fault]
        if self.leader_exit is None:
            exits = (Exit(0), Exit(3), Exit(signal="SIGSEGV"), Exit(signal="SIGKILL", memory_kill=self.memory_kill))
            free += [partial(self.leader_dies, exit_) for exit_ in exits]
            free += [self.write]
        free += [self._leave(member) for member in self.members if member.alive and not member.unkillable]
        return free

    @property
    def pipes_free(self) -> bool:
        return self.leader_exit is not None and not any(member.alive and member.holds_pipe for member in self.members)

    def _in_reach(self) -> list[Member]:
        return [member for member in self.members if member.alive and member.recognised]

    def own_exit(self) -> list[Callable[[], object]]:
        """Return the exit that a program comes to by itself, as long as nobody has asked for another end."""
        return [] if self.leader_exit or self.state.cause else [partial(self.leader_dies, Exit(0))]

    def _tell(self, happened: Input) -> None:
        self.told.add(happened.kind)
        self.feed(happened)

    def tell_exit(self) -> None:
        exit_ = self.leader_exit
        assert exit_
        if self.expected is None:
            self.expected = self._natural(exit_)
        self._tell(Input(Kind.EXITED, exit=exit_))

    def _natural(self, exit_: Exit) -> str:
        if exit_.code is not None:
            return "exited"
        if exit_.signal in self.state.asked:
            return "interrupted"
        return "out_of_memory" if exit_.memory_kill else "signaled"

    def tell_pipes_ended(self) -> None:
        if self.reading:
            self.unread = 0
        self._tell(Input(Kind.PIPES_ENDED))

    def ring(self, timer: Kind) -> None:
        """Let a timer that was started run out."""
        self.timers.remove(timer)
        if timer is Kind.TIMEOUT and self.live:
            self.expected = self.expected or "timed_out"
        self.feed(Input(timer, cause="timed_out" if timer is Kind.TIMEOUT else ""))

    def _leave(self, member: Member) -> Callable[[], None]:
        return lambda: setattr(member, "alive", False)

    @property
    def live(self) -> bool:
        return Kind.EXITED not in self.told

    def _notice(self) -> None:
        # As the owner does: a stop looks first whether the leader is there at all.
        if self.leader_exit and self.live:
            self.tell_exit()

    def stop(self, cause: str) -> None:
        self._notice()
        if self.ended:
            return
        self.expected = self.expected or cause
        self.stopped = True
        self.feed(Input(Kind.STOP, cause=cause))

    def request_signal(self) -> None:
        self._notice()
        self.feed(Input(Kind.SIGNAL, signal="SIGUSR1"))

    def fault(self) -> None:
        if self.ended:
            return
        if self.state.life in _NOT_KILLED_YET:
            self.expected = "internal_error"
        self.feed(Input(Kind.FAULT, cause="internal_error"))

    def write(self) -> None:
        self.unread += 1

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ended(self) -> bool:
        return self.state.output is Output.ENDED

    def _check_end(self) -> None:
        assert self.done.count(Do.FINISH) == 1, "one terminal event"
        assert verdict(self.state) == self.expected
        assert self.done.count(Do.RELEASE) == (0 if self.live else 1), "nothing is held up for readers after the exit"
        assert Do.TERMINATE in self.done or Do.KILL not in self.done or self.expected == "internal_error"
        assert not self.reading or Kind.PIPES_ENDED in self.told, "nobody reads for the run after its end"
        if verdict(self.state) != "internal_error" and Do.DISCARD not in self.done:
            assert self.unread == 0, "what was written before the end is there"
        if self.stopped:
            left = [member for member in self._in_reach() if not member.unkillable]
            assert not left, "a stop leaves nobody behind"
            assert self.leader_exit or self.leader_unkillable
