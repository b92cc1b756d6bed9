"""A cell is what it wrote and what it shows at its end, however that was cut into events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter import CodeExecution, InputRequest, Result
from code_interpreter._core.calls import run_code
from code_interpreter._core.execution import Fold, Item
from opensandbox.gathering import Piece
from opensandbox.results import ExecutionError

from ..worlds import Event, done, err, failed, init, out, shown

_decode = run_code("x", execution_id="", features=frozenset()).decode


def fold_of(*events: Event, keep: int | None = None) -> tuple[Fold, list[Item]]:
    fold, items = Fold(keep=keep), list[Item]()
    for event in events:
        decoded = _decode(json.dumps({"timestamp": 1_000, **event}).encode())
        assert decoded is not None
        items += fold.add(decoded)
    return fold, items


def execution_of(*events: Event) -> CodeExecution:
    return fold_of(*events)[0].execution()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


@given(st.lists(st.tuples(st.booleans(), TEXTS)))
def test_output_is_what_was_written_however_it_was_cut(pieces: list[tuple[bool, str]]) -> None:
    text = {kind: "".join(piece for is_err, piece in pieces if is_err is kind) for kind in (False, True)}
    end = done(len(text[False].encode()), len(text[True].encode()))
    fold, items = fold_of(init(), *(err(piece) if is_err else out(piece) for is_err, piece in pieces), end)
    assert fold.fault() is None
    execution = fold.execution()
    assert (execution.stdout, execution.stderr) == (text[False], text[True])
    assert "".join(item.text for item in items if isinstance(item, Piece) and item.stream == "stdout") == text[False]


# What a notebook shows at the end, said plainly: an update replaces every display of its name, clearing takes all
# away, and with `wait` it waits for the next thing.
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("show"), st.sampled_from([None, "a", "b"])),
        st.tuples(st.just("update"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("clear"), st.booleans()),
        st.tuples(st.just("print"), st.none()),
    )
)


@given(CHANGES)
def test_results_are_what_a_notebook_shows_at_the_end(changes: list[tuple[str, Any]]) -> None:
    events, screen, pending = [init()], list[tuple[str | None, str]](), False
    for number, (kind, what) in enumerate(changes):
        text = str(number)
        if kind == "clear":
            events.append({"type": "clear_output", "wait": what})
            pending = what
            screen = screen if what else []
            continue
        if pending:
            screen, pending = [], False
        if kind == "print":
            events.append(out("x"))
        elif kind == "show":
            events.append(shown(text, is_main=False, **({} if what is None else {"display_id": what})))
            screen.append((what, text))
        else:
            events.append(shown(text, is_main=False, display_id=what, update=True))
            if any(name == what for name, _ in screen):
                screen = [(name, text if name == what else old) for name, old in screen]
            else:
                screen.append((what, text))
    assert [(each.display_id, each.text) for each in execution_of(*events).result] == screen


def test_everything_that_is_shown_is_seen_as_it_comes() -> None:
    _, items = fold_of(
        init(), shown("1", is_main=False, display_id="a"), shown("2", is_main=False, display_id="a", update=True),
        {"type": "clear_output", "wait": False}, shown("3"), done(),
    )  # fmt: skip
    assert [item.text for item in items if isinstance(item, Result)] == ["1", "2", "3"]


def test_clearing_leaves_the_logs_alone() -> None:
    execution = execution_of(init(), out("a\n"), {"type": "clear_output", "wait": False}, out("b\n"), done(4))
    assert execution.logs.stdout == ["a", "b"]


def test_the_end_is_told_in_the_words_of_the_api() -> None:
    execution = execution_of(init("c1"), {"type": "execution_count", "execution_count": 3}, shown("4"), done())
    assert (execution.id, execution.cause, execution.duration, execution.execution_count) == (
        "c1",
        "completed",
        0.007,
        3,
    )
    assert (execution.text, execution.state_lost, execution.restarted, execution.error) == ("4", False, False, None)
    assert (execution.exit_code, execution.signal, execution.truncated) == (None, None, False)


def test_what_the_code_raised_is_data_and_the_last_thing_seen() -> None:
    fold, items = fold_of(init(), out("x"), failed(stdout_bytes=1))
    error = ExecutionError(name="ZeroDivisionError", value="division by zero", traceback=("line 1", "line 2"))
    assert fold.execution().error == items[-1] == error
    assert fold.execution().cause == "raised"


def test_any_other_end_is_not_something_that_the_code_says() -> None:
    _, items = fold_of(init(), failed("KERNEL_DIED", cause="kernel_died", state_lost=True))
    assert items == []


def test_a_question_knows_whether_its_answer_is_a_secret() -> None:
    _, items = fold_of(init(), {"type": "input_request", "prompt": "pin? ", "password": True})
    (question,) = items
    assert isinstance(question, InputRequest)
    assert (question, question.is_password) == ("pin? ", True)


def test_a_fresh_kernel_is_told() -> None:
    assert execution_of(init(), {"type": "status", "text": "restarted"}, done()).restarted
    assert not execution_of(init(), {"type": "status", "text": "queued"}, done()).restarted


@pytest.mark.parametrize(("stdout", "stderr"), [(4, 0), (2, 0), (3, 1)])
def test_bytes_that_do_not_add_up_are_a_broken_stream(stdout: int, stderr: int) -> None:
    fault = fold_of(init(), out("äb"), done(stdout, stderr))[0].fault()
    assert fault is not None
    assert fault.error.details["received"] == {"stdout": 3, "stderr": 0}


@pytest.mark.parametrize(
    "events",
    [
        (out("a"), done(3, truncated=True)),
        ({"type": "truncated", "from": 2, "to": 3, "stdout_bytes": 2, "stderr_bytes": 0}, out("a"), done(3)),
    ],
)
def test_a_truncated_cell_says_so_instead(events: tuple[Event, ...]) -> None:
    fold, _ = fold_of(init(), *events)
    assert fold.fault() is None
    assert fold.execution().truncated


def test_a_stream_without_an_end_is_broken() -> None:
    assert fold_of(init())[0].fault() is not None


def test_a_stream_keeps_the_end_of_its_output_and_counts_all_of_it() -> None:
    fold, _ = fold_of(init(), *[out("0123456789")] * 100, done(1000), keep=25)
    assert fold.fault() is None
    assert 25 <= len(fold.execution().stdout) < 45


def test_a_daemon_that_tells_less_is_understood() -> None:
    count = {"type": "execution_count", "execution_count": 1}
    execution = execution_of(
        init(), {"type": "result", "results": {"text": "4"}}, count, {"type": "execution_complete"}
    )
    assert (execution.text, execution.cause, execution.duration, execution.state_lost) == ("4", "completed", None, None)
    bare = {"type": "error", "error": {"ename": "NameError", "evalue": "x"}}
    assert execution_of(init(), bare).error == ExecutionError(name="NameError", value="x")
