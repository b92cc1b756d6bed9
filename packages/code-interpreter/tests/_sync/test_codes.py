# Generated from packages/code-interpreter/tests/_async/test_codes.py by tools/unasync.py; do not edit.
"""Code on a scripted transport: results, handlers, questions, contexts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from code_interpreter import CodeContext, CodeInterpreterSync, Result, SupportedLanguage
from opensandbox import OutputLine, SandboxSync
from opensandbox.exceptions import (
    ContextNotFoundException,
    ExecutionTimeoutException,
    NotSupportedException,
    StdinClosedException,
)
from opensandbox.results import ExecutionError
from opensandbox.testing import FakeTransportSync

from ..worlds import done, err, failed, init, out, shown

CONTEXT = {"id": "c1", "language": "python", "cwd": "/work"}


def interpreter_on(fake: FakeTransportSync) -> CodeInterpreterSync:
    return CodeInterpreterSync.create(SandboxSync(fake))


def bodies(fake: FakeTransportSync, path: str) -> list[Any]:
    return [json.loads(request.body) for request in fake.sent if request.path == path]


def test_a_cell_gives_results_output_and_count() -> None:
    fake = FakeTransportSync()
    count = {"type": "execution_count", "execution_count": 2}
    fake.when("POST", "/code", events=[init(), count, out("hi\n"), shown("4"), done(3)])
    interpreter = interpreter_on(fake)
    result = interpreter.codes.run("print('hi'); 2 + 2", language=SupportedLanguage.PYTHON)
    assert (result.text, result.result[0].text, result.execution_count) == ("4", "4", 2)
    assert result.logs.stdout == ["hi"]
    assert bodies(fake, "/code")[0]["context"] == {"language": "python"}


def test_handlers_get_lines_and_results_in_their_order() -> None:
    fake = FakeTransportSync()
    fake.when(
        "POST", "/code", events=[init(), out("a\nb"), shown("1", is_main=False), err("e"), out("c\nd"), done(6, 1)]
    )  # fmt: skip
    interpreter = interpreter_on(fake)
    told: list[tuple[str, str | None]] = []
    interpreter.codes.run(
        "x",
        on_stdout=lambda line: told.append(("out", line.text)),
        on_stderr=lambda line: told.append(("err", line.text)),
        on_result=lambda result: told.append(("result", result.text)),
    )
    assert told == [("out", "a"), ("result", "1"), ("out", "bc"), ("out", "d"), ("err", "e")]


def test_handlers_may_be_asynchronous() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init(), out("a\n"), shown("1"), done(2)])
    interpreter = interpreter_on(fake)
    told: list[str | None] = []

    def line(told_line: OutputLine) -> None:
        told.append(told_line.text)

    def result(told_result: Result) -> None:
        told.append(told_result.text)

    interpreter.codes.run("x", on_stdout=line, on_result=result)
    assert told == ["a", "1"]


def test_a_handler_that_fails_interrupts_the_cell_and_is_heard() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init("c9"), shown("1"), out("more"), done(4)])
    fake.when("DELETE", "/code")
    interpreter = interpreter_on(fake)

    def refuse(_: Result) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        interpreter.codes.run("x", on_result=refuse)
    assert [request.query for request in fake.sent if request.method == "DELETE"] == [(("id", "c9"),)]


def test_a_stream_yields_lines_results_and_what_was_raised() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init(), out("a\nb"), shown("1", is_main=False), failed(stdout_bytes=3)])
    interpreter = interpreter_on(fake)
    stream = interpreter.codes.run_stream("x")
    seen = [event for event in stream]
    assert [type(event) for event in seen] == [OutputLine, Result, OutputLine, ExecutionError]
    assert seen[0] == "a"
    assert seen[2] == "b"
    assert stream.execution.error == seen[3]


def test_a_stream_of_chunks_is_what_was_written() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init(), out("."), out(".\n"), done(3)])
    interpreter = interpreter_on(fake)
    assert [event for event in interpreter.codes.run_stream("x", mode="chunks")] == [".", ".\n"]


def test_a_stream_raises_after_its_last_event_as_a_run_does() -> None:
    fake = FakeTransportSync()
    fake.when(
        "POST", "/code", events=[init(), out("a\n"), failed("EXECUTION_TIMEOUT", cause="timed_out", stdout_bytes=2)]
    )
    interpreter = interpreter_on(fake)
    events = iter(interpreter.codes.run_stream("x"))
    assert next(events) == "a"
    with pytest.raises(ExecutionTimeoutException) as caught:
        next(events)
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "a\n"


def test_a_stream_is_read_once() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init(), done()])
    stream = (interpreter_on(fake)).codes.run_stream("x")
    assert [event for event in stream] == []
    with pytest.raises(RuntimeError, match="once"):
        next(iter(stream))


def test_leaving_a_stream_early_interrupts_the_cell_and_leaving_it_late_does_not() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", events=[init("c9"), out("a\n"), done(2)])
    fake.when("DELETE", "/code")
    interpreter = interpreter_on(fake)
    with interpreter.codes.run_stream("x") as events:
        assert [event for event in events] == ["a"]
    with interpreter.codes.run_stream("x") as events:
        pass
    assert [request.method for request in fake.sent] == ["POST"]
    with interpreter.codes.run_stream("x") as events:
        for event in events:
            assert event == "a"
            break
    assert fake.sent[-1].method == "DELETE"


def test_questions_are_answered_in_their_order() -> None:
    fake = FakeTransportSync()
    fake.when(
        "POST",
        "/code",
        events=[
            init("c9"), out("hello\n"), {"type": "input_request", "prompt": "name? ", "password": False},
            {"type": "input_request", "prompt": "pin? ", "password": True}, done(6),
        ],
    )  # fmt: skip
    fake.when("POST", "/executions/c9/stdin")
    interpreter = interpreter_on(fake)
    told: list[str] = []

    def answer(prompt: Any) -> str | None:
        told.append(prompt)
        return None if prompt.is_password else "Ada"

    interpreter.codes.run("x", on_stdout=told.append, on_input=answer)
    assert told == ["hello", "name? ", "pin? "]
    answers = [request for request in fake.sent if request.path == "/executions/c9/stdin"]
    assert [(request.body, request.query) for request in answers] == [(b"Ada\n", ()), (b"", (("eof", "true"),))]
    assert bodies(fake, "/code")[0]["allow_stdin"] is True


def test_without_somebody_to_answer_the_code_may_not_ask() -> None:
    fake = FakeTransportSync()
    fake.when(
        "POST", "/code", events=[init(), {"type": "input_request", "prompt": "name? ", "password": False}, done()]
    )  # fmt: skip
    interpreter = interpreter_on(fake)
    interpreter.codes.run("x")
    assert "allow_stdin" not in bodies(fake, "/code")[0]
    assert len(fake.sent) == 1


def test_an_answer_that_comes_too_late_is_nothing() -> None:
    fake = FakeTransportSync()
    fake.when(
        "POST", "/code", events=[init("c9"), {"type": "input_request", "prompt": "? ", "password": False}, failed()]
    )  # fmt: skip
    fake.when("POST", "/executions/c9/stdin", error=StdinClosedException("it has ended"))
    interpreter = interpreter_on(fake)
    assert (interpreter.codes.run("x", on_input=lambda _: "late")).error is not None


def test_contexts_are_made_told_and_ended() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code/context", json=CONTEXT)
    fake.when("GET", "/code/contexts", json=[CONTEXT])
    fake.when("GET", "/code/contexts/c1", json=CONTEXT)
    fake.when("POST", "/code/contexts/c1/restart", json=CONTEXT)
    fake.when("DELETE", "/code/contexts/c1")
    fake.when("DELETE", "/code")
    codes = (interpreter_on(fake)).codes
    context = codes.create_context(SupportedLanguage.PYTHON, working_dir="/work", envs={"A": "1"})
    assert context == CodeContext(context_id="c1", language="python", working_dir="/work")
    assert codes.list_contexts() == [context]
    assert codes.list_contexts(SupportedLanguage.PYTHON) == [context]
    assert codes.get_context(context.context_id) == codes.restart_context(context) == context
    codes.interrupt(context.context_id)
    codes.delete_context(context)
    assert [request.method for request in fake.sent] == ["POST", "GET", "GET", "GET", "POST", "DELETE", "DELETE"]


def test_languages_are_told() -> None:
    fake = FakeTransportSync()
    told = {"name": "python", "aliases": ["py"], "kernel": "ipykernel 7", "version": "3.11", "warm": 1, "limits": []}
    fake.when("GET", "/code/languages", json=[told])
    (language,) = (interpreter_on(fake)).codes.languages()
    assert (language.name, language.aliases, language.warm) == ("python", ("py",), 1)


def test_a_lost_context_is_told_with_its_state() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/code", error=ContextNotFoundException("no context 'c1'"))
    interpreter = interpreter_on(fake)
    with pytest.raises(ContextNotFoundException) as caught:
        interpreter.codes.run("x", context_id="c1")
    assert caught.value.state_lost
    assert caught.value.execution is None
    assert [request.method for request in fake.sent] == ["POST"]


def test_what_the_daemon_does_not_have_is_said() -> None:
    interpreter = interpreter_on(FakeTransportSync(features=frozenset()))
    with pytest.raises(NotSupportedException, match="ephemeral"):
        interpreter.codes.run("x", ephemeral=True)
    with pytest.raises(NotSupportedException, match="restart"):
        interpreter.codes.restart_context("c1")


def test_an_interpreter_says_where_it_is() -> None:
    interpreter = interpreter_on(FakeTransportSync())
    assert repr(interpreter).endswith("('http://localhost'))")
    assert interpreter.codes is not None
