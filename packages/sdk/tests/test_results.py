"""Results are values that read well."""

from __future__ import annotations

import dataclasses
import pickle
from array import array
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensandbox._output import Output, OutputLines
from opensandbox.results import BackgroundCommand, Execution, OutputLine


def output(*pieces: str, stream: str = "stdout") -> Output:
    ends, total = array("q"), 0
    for piece in pieces:
        total += len(piece)
        ends.append(total)
    times = array("q", [at * 1000 for at in range(len(pieces))])
    return Output("stderr" if stream == "stderr" else "stdout", pieces=list(pieces), ends=ends, times=times, exact={})


def execution(stdout: str = "", stderr: str = "") -> Execution:
    parts = (output(*[stdout][: len(stdout)]), output(*[stderr][: len(stderr)], stream="stderr"))
    return Execution(id="a1", exit_code=0, cause="exited", duration=0.5, output=parts)


def test_a_line_is_a_string_that_knows_where_it_came_from() -> None:
    line = OutputLine("hi", stream="stderr", timestamp_ms=1500)
    assert line == "hi"
    assert type(line.text) is str
    assert (line.text, line.stream, line.timestamp) == (
        "hi",
        "stderr",
        datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC),
    )


def test_lines_print_as_a_list_of_lines() -> None:
    assert repr(OutputLines(output("a\n\nb"))) == "['a', '', 'b']"
    assert repr(OutputLines(output("x\n" * 25))) == "[" + "'x', " * 19 + "'x', … 5 more]"


@given(st.text(st.sampled_from("ab\r\n")), st.integers(-12, 12), st.integers(-12, 12))
def test_lines_behave_as_a_list(text: str, start: int, stop: int) -> None:
    lines = OutputLines(output(*[text][: len(text)]))
    plain = list(lines)
    assert lines == plain
    assert len(lines) == len(plain)
    assert lines[start:stop] == plain[start:stop]
    assert lines[::-1] == plain[::-1]
    for at in range(-len(plain), len(plain)):
        assert OutputLines(output(text))[at] == plain[at]


@pytest.mark.parametrize("at", [2, -3])
def test_a_line_that_is_not_there_is_an_index_error(at: int) -> None:
    with pytest.raises(IndexError):
        OutputLines(output("a\nb"))[at]


def test_a_line_has_the_time_of_the_read_that_ended_it() -> None:
    lines = OutputLines(output("a", "b\nc\r", "\nd"))
    assert [(line, line.timestamp.timestamp()) for line in lines] == [("ab", 1.0), ("c", 1.0), ("d", 2.0)]


def test_lines_are_found_as_they_are_asked_for() -> None:
    lines = OutputLines(output("0123456789\n" * 100_000))
    assert lines[2] == "0123456789"
    assert len(lines._ends) == 3
    assert len(lines) == 100_000


def test_an_execution_reads_well() -> None:
    assert repr(execution("hi\n")) == (
        "Execution(id='a1', cause='exited', exit_code=0, duration=0.5, stdout='hi\\n', stderr='')"
    )
    assert "… (500 characters)" in repr(execution("x" * 500))
    assert str(BackgroundCommand(id="a1")) == "a1"


def test_results_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        execution().exit_code = 1  # type: ignore[misc]


def test_results_pickle_and_compare() -> None:
    before = execution("a\nb", "c")
    after = pickle.loads(pickle.dumps(before))
    assert after == before
    assert hash(after) == hash(before)
    assert after.logs.stdout == ["a", "b"]
    assert pickle.loads(pickle.dumps(before.logs.stderr)) == ["c"]
    line = pickle.loads(pickle.dumps(OutputLine("x", stream="stderr", timestamp_ms=7)))
    assert (line, line.stream, line.timestamp) == ("x", "stderr", datetime.fromtimestamp(0.007, tz=UTC))
