from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.process.states import LIFE, OUTPUT, Do, Exit, Input, Kind, Life, Output, State, step, verdict

from .worlds import Member, World

members = st.builds(
    Member,
    recognised=st.booleans(),
    ignores_term=st.booleans(),
    unkillable=st.booleans(),
    holds_pipe=st.booleans(),
)
worlds = st.builds(
    World,
    leader_ignores_term=st.booleans(),
    leader_unkillable=st.booleans(),
    memory_kill=st.booleans(),
    members=st.lists(members, max_size=3),
)


@settings(max_examples=600)
@given(worlds, st.lists(st.integers(0, 1000), max_size=20), st.lists(st.integers(0, 1000), min_size=40, max_size=40))
def test_every_interleaving_ends_once_for_the_right_cause_and_leaves_nobody(
    world: World, choices: list[int], rest: list[int]
) -> None:
    world.feed(Input(Kind.STARTED))
    for choice in choices:
        possible = world.possible()
        possible[choice % len(possible)]()
    for choice in rest:
        ahead = world.bound_to_happen() or world.own_exit()
        if ahead:
            ahead[choice % len(ahead)]()
    assert world.ended
    assert world.done.count(Do.FINISH) == 1
    assert world.done.count(Do.REAP) == (1 if Kind.EXITED in world.told else 0)


polite = st.builds(Member, recognised=st.just(True), holds_pipe=st.booleans())


@given(
    st.lists(polite, max_size=3),
    st.sampled_from(["while it runs", "after its exit", "a fault", "a fault after its exit"]),
)
def test_who_goes_when_asked_is_gone_before_any_timer(members: list[Member], when: str) -> None:
    world = World(members=[*members, Member(holds_pipe=True)])
    world.feed(Input(Kind.STARTED))
    if "exit" in when:
        world.leader_dies(Exit(0))
        world.tell_exit()
    world.fault() if "fault" in when else world.stop("interrupted")
    while news := world.news():
        news[0]()
    assert world.ended
    assert not any(member.alive for member in world.members)


@given(st.lists(members, max_size=3), st.booleans(), st.sampled_from(["while it runs", "after its exit"]))
def test_who_does_not_go_is_killed_after_one_grace(members: list[Member], ignores: bool, when: str) -> None:
    world = World(members=[*members, Member(ignores_term=True, holds_pipe=True)], leader_ignores_term=ignores)
    world.feed(Input(Kind.STARTED))
    if when == "after its exit":
        world.leader_dies(Exit(0))
        world.tell_exit()
    world.stop("timed_out")
    assert world.timers >= {Kind.GRACE_OVER}
    assert Do.KILL not in world.done
    world.ring(Kind.GRACE_OVER)
    assert world.done.count(Do.KILL) == 1
    assert not [member for member in world.members if member.alive and member.recognised and not member.unkillable]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_requested_signal_reaches_the_group_whether_or_not_it_is_being_stopped(stopped: bool) -> None:
    before = [Input(Kind.STARTED), *([_INPUTS["interrupt"]] if stopped else [])]
    state, _ = _after(*before)
    assert _after(_INPUTS["signal"], state=state)[1] == [Do.FORWARD]


@pytest.mark.parametrize("rest", [(), ("exit",), ("interrupt",), ("interrupt", "exit"), ("interrupt", "grace_over")])
def test_after_a_fault_nothing_more_is_read_and_nothing_is_left_to_live(rest: tuple[str, ...]) -> None:
    state, _ = _after(Input(Kind.STARTED), *(_INPUTS[name] for name in rest))
    after, done = _after(_INPUTS["fault"], state=state)
    assert Do.DISCARD in done
    assert after.output is Output.CLOSED
    assert after.life in {Life.KILLING, Life.PURGING}
    assert ({Do.KILL, Do.START_LIMIT} <= set(done)) is (state.life is not Life.KILLING)


def test_a_program_that_closes_its_output_early_ends_with_its_exit() -> None:
    state, _ = _after(Input(Kind.STARTED), _INPUTS["pipe_end"])
    assert _after(_INPUTS["exit"], state=state)[1] == [Do.RELEASE, Do.REAP, Do.FINISH]


_INPUTS = {
    "exit": Input(Kind.EXITED, exit=Exit(0)),
    "pipe_end": Input(Kind.PIPES_ENDED),
    "drain_over": Input(Kind.DRAIN_OVER),
    "timeout": Input(Kind.TIMEOUT, cause="timed_out"),
    "interrupt": Input(Kind.STOP, cause="interrupted"),
    "cancelled": Input(Kind.STOP, cause="cancelled"),
    "shutdown": Input(Kind.STOP, cause="shutting_down"),
    "signal": Input(Kind.SIGNAL, signal="SIGINT"),
    "fault": Input(Kind.FAULT, cause="internal_error"),
    "grace_over": Input(Kind.GRACE_OVER),
    "group_gone": Input(Kind.GROUP_GONE),
}
_DECIDES = {
    "exit": "exited",
    "timeout": "timed_out",
    "interrupt": "interrupted",
    "cancelled": "cancelled",
    "shutdown": "shutting_down",
    "fault": "internal_error",
}


@pytest.mark.parametrize("pair", list(permutations(_INPUTS, 2)), ids="-then-".join)
def test_each_pair_in_each_order_ends_once_and_the_first_that_decides_is_the_cause(pair: tuple[str, str]) -> None:
    state, done = _after(Input(Kind.STARTED), *(_INPUTS[name] for name in pair))
    rest = (Kind.EXITED, Kind.GROUP_GONE, Kind.PIPES_ENDED)
    state, more = _after(*(Input(kind, exit=Exit(0) if kind is Kind.EXITED else None) for kind in rest), state=state)
    done += more
    assert state.output is Output.ENDED
    assert done.count(Do.FINISH) == done.count(Do.REAP) == 1
    deciders = [_DECIDES[name] for name in pair if name in _DECIDES]
    assert verdict(state) == ("internal_error" if "fault" in pair else (deciders or ["exited"])[0])


@pytest.mark.parametrize("name", _INPUTS)
def test_a_failed_start_is_the_end_whatever_comes_after_and_nothing_can_come_before(name: str) -> None:
    with pytest.raises(LookupError):
        step(State(), _INPUTS[name]) if name != "fault" else step(State(), Input(Kind.TIMEOUT))
    state, done = _after(Input(Kind.START_FAILED, cause="never_started"), _INPUTS[name])
    assert (state.life, state.output, done) == (Life.GONE, Output.ENDED, [Do.FINISH])
    assert verdict(state) == "never_started"


def test_a_fault_while_starting_is_an_internal_error() -> None:
    state, done = _after(Input(Kind.FAULT, cause="internal_error"))
    assert verdict(state) == state.cause == "internal_error"
    assert done == [Do.DISCARD, Do.FINISH]


def _after(*inputs: Input, state: State | None = None) -> tuple[State, list[Do]]:
    state = state or State()
    done: list[Do] = []
    for happened in inputs:
        state, todo = step(state, happened)
        done += todo
    return state, done


@pytest.mark.parametrize(
    ("exit_", "asked", "cause"),
    [
        (Exit(0), (), "exited"),
        (Exit(7), ("SIGINT",), "exited"),
        (Exit(signal="SIGINT"), ("SIGINT",), "interrupted"),
        (Exit(signal="SIGKILL"), ("SIGKILL",), "interrupted"),
        (Exit(signal="SIGSEGV"), ("SIGINT",), "signaled"),
        (Exit(signal="SIGKILL"), (), "signaled"),
        (Exit(signal="SIGKILL", memory_kill=True), (), "out_of_memory"),
        (Exit(signal="SIGKILL", memory_kill=True), ("SIGKILL",), "interrupted"),
        (Exit(signal="SIGSEGV", memory_kill=True), (), "signaled"),
    ],
)
def test_the_cause_of_an_exit_follows_from_its_signal_and_from_what_was_asked(
    exit_: Exit, asked: tuple[str, ...], cause: str
) -> None:
    requests = [Input(Kind.SIGNAL, signal=name) for name in asked]
    state, _ = _after(Input(Kind.STARTED), *requests, Input(Kind.EXITED, exit=exit_), Input(Kind.PIPES_ENDED))
    assert verdict(state) == cause


def test_a_signal_that_is_requested_after_the_exit_does_not_change_the_cause() -> None:
    late = Input(Kind.SIGNAL, signal="SIGSEGV")
    crash = Input(Kind.EXITED, exit=Exit(signal="SIGSEGV"))
    state, _ = _after(Input(Kind.STARTED), crash, late, Input(Kind.PIPES_ENDED))
    assert verdict(state) == "signaled"


def test_a_leader_that_exits_by_itself_is_the_end_and_its_survivors_are_left_alone() -> None:
    state, done = _after(Input(Kind.STARTED), _INPUTS["exit"], Input(Kind.DRAIN_OVER))
    assert state.output is Output.ENDED
    assert not {Do.TERMINATE, Do.KILL, Do.FORWARD} & set(done)
    assert done[-4:] == [Do.FLUSH, Do.DISCARD, Do.REAP, Do.FINISH]


def test_what_not_even_sigkill_ends_does_not_hold_the_end_and_is_reaped_when_it_goes() -> None:
    given_up = (Input(Kind.GRACE_OVER), Input(Kind.GRACE_OVER), Input(Kind.DRAIN_OVER))
    state, done = _after(Input(Kind.STARTED), _INPUTS["interrupt"], *given_up)
    assert (state.output, verdict(state), Do.REAP in done) == (Output.ENDED, "interrupted", False)
    state, done = _after(_INPUTS["exit"], state=state)
    assert done == [Do.RELEASE, Do.REAP]


def _reachable() -> tuple[set[State], set[tuple[Life, Kind]], set[tuple[Output, Kind]], set[Do]]:
    first = State()
    seen, frontier = {first}, [first]
    lives: set[tuple[Life, Kind]] = set()
    outputs: set[tuple[Output, Kind]] = set()
    done: set[Do] = set()
    starts = [Input(Kind.STARTED), Input(Kind.START_FAILED, cause="never_started")]
    for state in frontier:
        for happened in [*starts, *_INPUTS.values()]:
            try:
                after, todo = step(state, happened)
            except LookupError:
                continue
            lives |= {(state.life, happened.kind)}
            outputs |= {(state.output, happened.kind)}
            outputs |= {(state.output, Kind.AT_REST)} if Do.START_DRAIN in todo else set()
            done |= set(todo)
            if after not in seen:
                seen.add(after)
                frontier.append(after)
    return seen, lives, outputs, done


def test_no_state_no_row_and_no_action_is_dead() -> None:
    states, lives, outputs, done = _reachable()
    assert {state.life for state in states} == set(Life)
    assert {state.output for state in states} == set(Output)
    assert lives >= {(life, kind) for life, row in LIFE.items() for kind in row}
    assert outputs >= {(output, kind) for output, row in OUTPUT.items() for kind in row}
    assert done == set(Do)


def test_from_every_state_time_and_the_kernel_alone_lead_to_the_end() -> None:
    states, *_ = _reachable()
    kinds = (Kind.EXITED, Kind.GRACE_OVER, Kind.GRACE_OVER, Kind.DRAIN_OVER)
    for state in states - {State()}:
        to_come = [Input(kind, exit=Exit(0) if kind is Kind.EXITED else None) for kind in kinds]
        assert _after(*to_come, state=state)[0].output is Output.ENDED
