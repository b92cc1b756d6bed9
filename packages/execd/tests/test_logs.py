"""Log lines: one per record, whole, and never waited for."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator

import pytest

from execd.logs import LINE_LIMIT, LineHandler


class Pipe:
    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)

    def lines(self) -> list[str]:
        try:
            return os.read(self.reading, 1 << 20).decode().splitlines()
        except BlockingIOError:
            return []


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    os.close(one.reading)
    os.close(one.writing)


def record(event: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("execd.http", logging.INFO, __file__, 1, event, None, None)
    vars(made).update(fields)
    return made


def test_a_line_of_json_holds_the_fields(pipe: Pipe) -> None:
    LineHandler(pipe.writing, json=True).emit(record("request", status=200, path="/ping", secret="x"))
    (line,) = pipe.lines()
    fields = json.loads(line)
    assert (fields["event"], fields["level"], fields["status"], fields["path"]) == ("request", "info", 200, "/ping")
    assert "secret" not in fields


def test_a_line_of_text_holds_them_too(pipe: Pipe) -> None:
    LineHandler(pipe.writing, json=False).emit(record("request", status=200))
    (line,) = pipe.lines()
    assert line.endswith("INFO execd.http request status=200")


def with_fault(made: logging.LogRecord) -> logging.LogRecord:
    """Give a record the longest of stack traces."""

    def fall() -> None:
        fall()

    with pytest.raises(RecursionError) as fault:
        fall()
    made.exc_info = (fault.type, fault.value, fault.tb)
    return made


def test_a_fault_is_one_line(pipe: Pipe) -> None:
    LineHandler(pipe.writing, json=False).emit(with_fault(record("fault")))
    (line,) = pipe.lines()
    assert "RecursionError" in line


@pytest.mark.parametrize("event", ["x" * 10_000, "\n" * 10_000, "\0" * 10_000, "€" * 10_000, "\udcff" * 10_000])
def test_a_line_of_json_is_whole_and_no_longer_than_a_pipe_takes_at_once(pipe: Pipe, event: str) -> None:
    LineHandler(pipe.writing, json=True).emit(with_fault(record(event, path="/" * 200, request_id="x" * 128)))
    (line,) = pipe.lines()
    assert len(line.encode()) < LINE_LIMIT
    assert "RecursionError" in json.loads(line)["fault"]


def test_what_does_not_fit_is_dropped_and_counted(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.writing, fcntl.F_SETPIPE_SZ, 4096)
    handler = LineHandler(pipe.writing, json=True)
    for _ in range(10):
        handler.emit(record("x" * 1000))
    kept = len(pipe.lines())
    assert 0 < kept < 10
    handler.emit(record("after"))
    (line,) = pipe.lines()
    assert json.loads(line)["dropped_before"] == 10 - kept


def test_a_pipe_that_is_closed_is_no_fault(pipe: Pipe) -> None:
    handler = LineHandler(pipe.writing, json=True)
    os.close(pipe.reading)
    handler.emit(record("x"))
    pipe.reading = os.open(os.devnull, os.O_RDONLY)
