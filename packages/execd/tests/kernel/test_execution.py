"""The fold of one cell: every interleaving of reply, idle, output, stop and death ends it once, with the true cause."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.kernel.execution import (
    HEARING,
    LIFE,
    STOPPED,
    Death,
    Do,
    Effect,
    Hearing,
    Kind,
    Late,
    Life,
    State,
    died,
    end,
    hear,
    step,
)
from execd.kernel.messages import Message, Output

MINE = "cell-1"
OTHER = "cell-0"
DEATH = Death(signal="SIGKILL")


def said(kind: str, parent: str = MINE, **content: Any) -> Message:
    return Message(kind, parent, content)


BUSY = said("status", execution_state="busy")
IDLE = said("status", execution_state="idle")
INPUT = said("execute_input", code="1", execution_count=7)
OK = said("execute_reply", status="ok", execution_count=7)
RAISED = said("execute_reply", status="error", ename="ValueError", evalue="no", traceback=["a", "b"], execution_count=7)
ERROR = said("error", ename="ValueError", evalue="no", traceback=["a", "b"])
HELLO = said("stream", name="stdout", text="hello")


class Cell:
    """Runs the tables as the owner of a cell does, and writes down what it was told to do."""

    def __init__(self) -> None:
        self.state = State(parent=MINE)
        self.effects: list[Effect] = []

    def hear(self, *messages: Message) -> Cell:
        for message in messages:
            self._take(hear(self.state, message))
        return self

    def step(self, kind: Kind, **facts: Any) -> Cell:
        self._take(step(self.state, kind, **facts))
        return self

    def _take(self, done: tuple[State, list[Effect]]) -> None:
        self.state, effects = done
        self.effects += effects

    @property
    def finished(self) -> bool:
        return Do.FINISH in self.effects

    @property
    def told(self) -> list[Effect]:
        return [effect for effect in self.effects if not isinstance(effect, Do)]


def test_a_cell_is_done_when_reply_and_idle_have_come() -> None:
    cell = Cell().hear(BUSY, INPUT, HELLO, OK)
    assert not cell.finished
    cell.hear(IDLE)
    assert cell.told == [{"type": "execution_count", "execution_count": 7}, Output("stdout", b"hello")]
    assert end(cell.state).cause == "completed"


def test_a_cell_is_done_when_idle_comes_before_the_reply() -> None:
    cell = Cell().hear(BUSY, INPUT, IDLE)
    assert not cell.finished
    assert cell.hear(OK).finished


def test_output_between_reply_and_idle_is_still_of_the_cell() -> None:
    cell = Cell().hear(BUSY, INPUT, OK, HELLO, IDLE)
    assert Output("stdout", b"hello") in cell.effects[: cell.effects.index(Do.FINISH)]


def test_silence_after_the_reply_stands_in_for_a_lost_idle_and_starts_anew_with_each_message() -> None:
    cell = Cell().hear(BUSY, INPUT, OK, HELLO, HELLO)
    assert cell.effects.count(Do.START_SILENCE) == 3
    assert end(cell.step(Kind.SILENCE_OVER).state).cause == "completed"


def test_silence_without_reply_and_idle_ends_nothing() -> None:
    assert not Cell().hear(BUSY, INPUT, HELLO).step(Kind.SILENCE_OVER).finished


def test_an_interrupt_that_costs_the_kernel_its_reply_still_ends_the_cell() -> None:
    cell = Cell().hear(BUSY, INPUT).step(Kind.STOP, cause="interrupted").hear(IDLE).step(Kind.SILENCE_OVER)
    assert cell.finished
    assert end(cell.state).cause == "interrupted"


def test_a_failed_reply_is_told_with_the_kernels_own_words() -> None:
    told = end(Cell().hear(BUSY, INPUT, RAISED, IDLE).state)
    assert (told.cause, told.code, told.ename, told.evalue) == ("raised", "EXECUTION_FAILED", "ValueError", "no")
    assert told.traceback == ("a", "b")
    assert told.state_lost is False


def test_an_error_message_names_what_a_bare_reply_does_not() -> None:
    bare = said("execute_reply", status="error", execution_count=7)
    assert end(Cell().hear(INPUT, ERROR, bare, IDLE).state).ename == "ValueError"


@pytest.mark.parametrize("status", ["aborted", "abort"])
def test_a_cell_that_the_kernel_would_not_run_has_failed(status: str) -> None:
    told = end(Cell().hear(said("execute_reply", status=status), IDLE).state)
    assert (told.cause, told.code) == ("raised", "EXECUTION_FAILED")
    assert status in told.evalue


def test_a_reply_without_an_input_message_still_tells_the_count_once() -> None:
    cell = Cell().hear(OK, IDLE)
    assert cell.told == [{"type": "execution_count", "execution_count": 7}]


def test_an_interrupt_waits_until_the_kernel_has_begun_with_the_cell() -> None:
    cell = Cell().step(Kind.STOP, cause="interrupted").hear(BUSY)
    assert Do.INTERRUPT not in cell.effects
    assert Do.INTERRUPT in cell.hear(INPUT).effects


def test_a_stop_after_the_reply_changes_nothing() -> None:
    cell = Cell().hear(INPUT, OK).step(Kind.STOP, cause="timed_out").hear(IDLE)
    assert end(cell.state).cause == "completed"


def test_an_interrupt_decides_whatever_the_cell_makes_of_it() -> None:
    cell = Cell().hear(INPUT).step(Kind.STOP, cause="timed_out").hear(OK, IDLE)
    told = end(cell.state)
    assert (told.cause, told.code, told.state_lost) == ("timed_out", "EXECUTION_TIMEOUT", False)


def test_a_cell_that_ignores_its_interrupt_loses_its_kernel() -> None:
    cell = Cell().hear(INPUT).step(Kind.STOP, cause="timed_out").step(Kind.GRACE_OVER).step(Kind.DIED, death=DEATH)
    assert [effect for effect in cell.effects if isinstance(effect, Do)] == [
        Do.INTERRUPT,
        Do.START_GRACE,
        Do.KILL,
        Do.START_GRACE,
        Do.FINISH,
    ]
    told = end(cell.state)
    assert (told.cause, told.state_lost) == ("timed_out", True)


def test_a_kernel_that_not_even_a_kill_ends_does_not_hold_the_run() -> None:
    cell = Cell().hear(INPUT).step(Kind.STOP, cause="interrupted").step(Kind.GRACE_OVER).step(Kind.GRACE_OVER)
    assert cell.finished
    assert end(cell.state).state_lost


@pytest.mark.parametrize(
    ("death", "cause", "said"),
    [
        (Death(signal="SIGSEGV"), "kernel_died", "SIGSEGV"),
        (Death(exit_code=3), "kernel_died", "status 3"),
        (Death(signal="SIGKILL", memory_kill=True), "out_of_memory", "memory"),
    ],
)
def test_a_dead_kernel_is_the_end_and_says_how_it_went(death: Death, cause: str, said: str) -> None:
    told = end(Cell().hear(INPUT, HELLO).step(Kind.DIED, death=death).state)
    assert told == died(death)
    assert (told.cause, told.state_lost) == (cause, True)
    assert said in told.evalue


def test_a_kernel_that_dies_after_the_reply_has_completed_the_cell_and_lost_its_state() -> None:
    told = end(Cell().hear(INPUT, OK).step(Kind.DIED, death=DEATH).state)
    assert (told.cause, told.state_lost) == ("completed", True)


def test_a_reply_that_announces_the_kernels_exit_retires_it_and_has_lost_the_state() -> None:
    leaving = said("execute_reply", status="ok", payload=[{"source": "ask_exit", "keepkernel": False}])
    cell = Cell().hear(INPUT, leaving, IDLE)
    assert Do.RETIRE in cell.effects
    assert (end(cell.state).cause, end(cell.state).state_lost) == ("completed", True)


def test_what_a_pager_would_show_is_a_result() -> None:
    shown = said("execute_reply", status="ok", payload=[{"source": "page", "data": {"text/plain": "help"}}])
    assert {"text/plain": "help", "text": "help"} in [
        event["results"] for event in Cell().hear(INPUT, shown).told if isinstance(event, dict) and "results" in event
    ]


def test_messages_of_other_cells_and_messages_after_the_end_are_late() -> None:
    foreign = said("stream", OTHER, name="stdout", text="old")
    cell = Cell().hear(INPUT, foreign, OK, IDLE, HELLO)
    assert cell.effects[-1] == Late(HELLO)
    assert Late(foreign) in cell.effects


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_foreign = st.sampled_from([message._replace(parent=OTHER) for message in (BUSY, INPUT, HELLO, ERROR, OK, IDLE)])
_output = st.sampled_from(
    [
        HELLO,
        said("display_data", data={}),
        said("clear_output"),
        said("comm_open"),
        said("stream", name="stderr", text="x"),
    ]
)


@st.composite
def _conversations(draw: st.DrawFn) -> list[Message]:
    """What a kernel sends for one cell: iopub in order, the reply anywhere among it, anything foreign in between."""
    published = [BUSY, INPUT, *draw(st.lists(_output, max_size=5)), *draw(st.sampled_from([[], [ERROR]])), IDLE]
    published.insert(draw(st.integers(0, len(published))), draw(st.sampled_from([OK, RAISED])))
    for message in draw(st.lists(_foreign, max_size=4)):
        published.insert(draw(st.integers(0, len(published))), message)
    return published


@settings(deadline=None)
@given(_conversations())
def test_in_any_order_the_cell_ends_with_the_later_of_reply_and_idle(conversation: list[Message]) -> None:
    last = max(
        at for at, message in enumerate(conversation) if message.parent == MINE and message in (OK, RAISED, IDLE)
    )
    cell = Cell().hear(*conversation[:last])
    assert not cell.finished
    assert cell.hear(conversation[last]).finished


@settings(deadline=None)
@given(_conversations(), st.booleans())
def test_a_lost_idle_or_a_lost_reply_never_hangs_the_cell(conversation: list[Message], lose_idle: bool) -> None:
    lost = [IDLE] if lose_idle else [OK, RAISED]
    cell = Cell().hear(*[message for message in conversation if message not in lost])
    assert not cell.finished
    assert cell.effects.count(Do.START_SILENCE) > 0
    silent = cell.step(Kind.SILENCE_OVER)
    assert silent.finished or cell.step(Kind.DIED, death=DEATH).finished


def test_a_kernel_that_finishes_without_a_reply_is_broken_and_goes() -> None:
    cell = Cell().hear(BUSY, INPUT, IDLE).step(Kind.SILENCE_OVER)
    assert Do.KILL in cell.effects
    cell.step(Kind.DIED, death=Death(signal="SIGKILL"))
    ended = end(cell.state)
    assert (ended.cause, ended.evalue, ended.state_lost) == ("kernel_died", "the kernel gave no reply", True)


def test_a_cell_that_is_interrupted_may_lose_its_reply_and_keeps_its_kernel() -> None:
    cell = Cell().hear(BUSY, INPUT).step(Kind.STOP, cause="interrupted").hear(IDLE).step(Kind.SILENCE_OVER)
    assert cell.finished
    assert (end(cell.state).cause, end(cell.state).state_lost) == ("interrupted", False)


def test_a_cell_whose_kernel_broke_is_not_done_though_it_said_so() -> None:
    cell = Cell().hear(BUSY, INPUT, OK).step(Kind.DIED, death=Death(reason="closed its sockets"))
    assert (end(cell.state).cause, end(cell.state).evalue) == ("kernel_died", "the kernel closed its sockets")


def test_what_was_shown_as_the_error_counts_and_not_what_the_reply_makes_of_it() -> None:
    reply = said("execute_reply", status="error", ename="NoneType", evalue="None", traceback=[])
    cell = Cell().hear(BUSY, INPUT, ERROR, reply, IDLE)
    assert end(cell.state).ename == "ValueError"


_steps = st.one_of(
    st.sampled_from([BUSY, INPUT, HELLO, ERROR, OK, RAISED, IDLE]),
    _foreign,
    st.sampled_from([Kind.SILENCE_OVER, Kind.GRACE_OVER, Kind.DIED]),
    st.sampled_from(sorted(STOPPED)),
)


def _play(cell: Cell, what: Message | Kind | str) -> None:
    if isinstance(what, Message):
        cell.hear(what)
    elif isinstance(what, str):
        cell.step(Kind.STOP, cause=what)
    else:
        cell.step(what, death=DEATH if what is Kind.DIED else None)


@settings(deadline=None)
@given(st.lists(_steps, max_size=25))
def test_whatever_happens_there_is_one_end_and_nothing_is_told_after_it(happened: list[Any]) -> None:
    cell = Cell()
    for what in happened:
        _play(cell, what)
    _play(cell, Kind.DIED)
    assert cell.effects.count(Do.FINISH) == 1
    assert all(isinstance(effect, Late) for effect in cell.effects[cell.effects.index(Do.FINISH) + 1 :])


@settings(deadline=None)
@given(st.lists(_steps, max_size=25))
def test_the_first_reason_to_stop_is_the_cause_and_only_a_kill_or_a_death_loses_state(happened: list[Any]) -> None:
    cell = Cell()
    reasons: list[str] = []
    for what in happened:
        if isinstance(what, str) and cell.state.life is not Life.ENDED and cell.state.status is None:
            reasons.append(what)
        _play(cell, what)
    _play(cell, Kind.DIED)
    told = end(cell.state)
    assert told.cause == reasons[0] if reasons else told.cause in ("completed", "raised", "kernel_died")
    assert told.state_lost is (Do.KILL in cell.effects or cell.state.death is not None)
    assert (told.code is None) is (told.cause == "completed")


@settings(deadline=None)
@given(st.lists(_steps, max_size=25))
def test_every_cell_that_was_interrupted_has_a_grace_running(happened: list[Any]) -> None:
    cell = Cell()
    for what in happened:
        _play(cell, what)
    if cell.state.life in (Life.STOPPING, Life.INTERRUPTED, Life.KILLED):
        assert Do.START_GRACE in cell.effects
        assert Kind.GRACE_OVER in LIFE[cell.state.life]


def test_no_row_of_the_tables_is_dead() -> None:
    reached = {Life.SENT} | {move.life for moves in LIFE.values() for move in moves.values()}
    assert reached == set(Life)
    assert {Hearing.NOTHING} | {to for row in HEARING.values() for to in row.values()} == set(Hearing)
    assert {kind for row in LIFE.values() for kind in row} | {kind for row in HEARING.values() for kind in row} == set(
        Kind
    )
