"""Code on a scripted transport: results, handlers, questions, contexts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from code_interpreter import CodeContext, CodeInterpreter, Result, SupportedLanguage
from opensandbox import OutputLine, Sandbox
from opensandbox.exceptions import (
    ContextNotFoundException,
    ExecutionTimeoutException,
    NotSupportedException,
    StdinClosedException,
)
from opensandbox.results import ExecutionError
from opensandbox.testing import FakeTransport

from ..worlds import done, err, failed, init, out, shown

CONTEXT = {"id": "c1", "language": "python", "cwd": "/work"}


async def interpreter_on(fake: FakeTransport) -> CodeInterpreter:
    return await CodeInterpreter.create(Sandbox(fake))


def bodies(fake: FakeTransport, path: str) -> list[Any]:
    return [json.loads(request.body) for request in fake.sent if request.path == path]


async def test_a_cell_gives_results_output_and_count() -> None:
    fake = FakeTransport()
    count = {"type": "execution_count", "execution_count": 2}
    fake.when("POST", "/code", events=[init(), count, out("hi\n"), shown("4"), done(3)])
    interpreter = await interpreter_on(fake)
    result = await interpreter.codes.run("print('hi'); 2 + 2", language=SupportedLanguage.PYTHON)
    assert (result.text, result.result[0].text, result.execution_count) == ("4", "4", 2)
    assert result.logs.stdout == ["hi"]
    assert bodies(fake, "/code")[0]["context"] == {"language": "python"}


async def test_handlers_get_lines_and_results_in_their_order() -> None:
    fake = FakeTransport()
    fake.when(
        "POST", "/code", events=[init(), out("a\nb"), shown("1", is_main=False), err("e"), out("c\nd"), done(6, 1)]
    )  # fmt: skip
    interpreter = await interpreter_on(fake)
    told: list[tuple[str, str | None]] = []
    await interpreter.codes.run(
        "x",
        on_stdout=lambda line: told.append(("out", line.text)),
        on_stderr=lambda line: told.append(("err", line.text)),
        on_result=lambda result: told.append(("result", result.text)),
    )
    assert told == [("out", "a"), ("result", "1"), ("out", "bc"), ("out", "d"), ("err", "e")]


async def test_handlers_may_be_asynchronous() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init(), out("a\n"), shown("1"), done(2)])
    interpreter = await interpreter_on(fake)
    told: list[str | None] = []

    async def line(told_line: OutputLine) -> None:
        told.append(told_line.text)

    async def result(told_result: Result) -> None:
        told.append(told_result.text)

    await interpreter.codes.run("x", on_stdout=line, on_result=result)
    assert told == ["a", "1"]


async def test_a_handler_that_fails_interrupts_the_cell_and_is_heard() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init("c9"), shown("1"), out("more"), done(4)])
    fake.when("DELETE", "/code")
    interpreter = await interpreter_on(fake)

    def refuse(_: Result) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await interpreter.codes.run("x", on_result=refuse)
    assert [request.query for request in fake.sent if request.method == "DELETE"] == [(("id", "c9"),)]


async def test_a_stream_yields_lines_results_and_what_was_raised() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init(), out("a\nb"), shown("1", is_main=False), failed(stdout_bytes=3)])
    interpreter = await interpreter_on(fake)
    stream = interpreter.codes.run_stream("x")
    seen = [event async for event in stream]
    assert [type(event) for event in seen] == [OutputLine, Result, OutputLine, ExecutionError]
    assert seen[0] == "a"
    assert seen[2] == "b"
    assert stream.execution.error == seen[3]


async def test_a_stream_of_chunks_is_what_was_written() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init(), out("."), out(".\n"), done(3)])
    interpreter = await interpreter_on(fake)
    assert [event async for event in interpreter.codes.run_stream("x", mode="chunks")] == [".", ".\n"]


async def test_a_stream_raises_after_its_last_event_as_a_run_does() -> None:
    fake = FakeTransport()
    fake.when(
        "POST", "/code", events=[init(), out("a\n"), failed("EXECUTION_TIMEOUT", cause="timed_out", stdout_bytes=2)]
    )
    interpreter = await interpreter_on(fake)
    events = aiter(interpreter.codes.run_stream("x"))
    assert await anext(events) == "a"
    with pytest.raises(ExecutionTimeoutException) as caught:
        await anext(events)
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "a\n"


async def test_a_stream_is_read_once() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init(), done()])
    stream = (await interpreter_on(fake)).codes.run_stream("x")
    assert [event async for event in stream] == []
    with pytest.raises(RuntimeError, match="once"):
        await anext(aiter(stream))


async def test_leaving_a_stream_early_interrupts_the_cell_and_leaving_it_late_does_not() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", events=[init("c9"), out("a\n"), done(2)])
    fake.when("DELETE", "/code")
    interpreter = await interpreter_on(fake)
    async with interpreter.codes.run_stream("x") as events:
        assert [event async for event in events] == ["a"]
    async with interpreter.codes.run_stream("x") as events:
        pass
    assert [request.method for request in fake.sent] == ["POST"]
    async with interpreter.codes.run_stream("x") as events:
        async for event in events:
            assert event == "a"
            break
    assert fake.sent[-1].method == "DELETE"


async def test_questions_are_answered_in_their_order() -> None:
    fake = FakeTransport()
    fake.when(
        "POST",
        "/code",
        events=[
            init("c9"), out("hello\n"), {"type": "input_request", "prompt": "name? ", "password": False},
            {"type": "input_request", "prompt": "pin? ", "password": True}, done(6),
        ],
    )  # fmt: skip
    fake.when("POST", "/executions/c9/stdin")
    interpreter = await interpreter_on(fake)
    told: list[str] = []

    def answer(prompt: Any) -> str | None:
        told.append(prompt)
        return None if prompt.is_password else "Ada"

    await interpreter.codes.run("x", on_stdout=told.append, on_input=answer)
    assert told == ["hello", "name? ", "pin? "]
    answers = [request for request in fake.sent if request.path == "/executions/c9/stdin"]
    assert [(request.body, request.query) for request in answers] == [(b"Ada\n", ()), (b"", (("eof", "true"),))]
    assert bodies(fake, "/code")[0]["allow_stdin"] is True


async def test_without_somebody_to_answer_the_code_may_not_ask() -> None:
    fake = FakeTransport()
    fake.when(
        "POST", "/code", events=[init(), {"type": "input_request", "prompt": "name? ", "password": False}, done()]
    )  # fmt: skip
    interpreter = await interpreter_on(fake)
    await interpreter.codes.run("x")
    assert "allow_stdin" not in bodies(fake, "/code")[0]
    assert len(fake.sent) == 1


async def test_an_answer_that_comes_too_late_is_nothing() -> None:
    fake = FakeTransport()
    fake.when(
        "POST", "/code", events=[init("c9"), {"type": "input_request", "prompt": "? ", "password": False}, failed()]
    )  # fmt: skip
    fake.when("POST", "/executions/c9/stdin", error=StdinClosedException("it has ended"))
    interpreter = await interpreter_on(fake)
    assert (await interpreter.codes.run("x", on_input=lambda _: "late")).error is not None


async def test_contexts_are_made_told_and_ended() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code/context", json=CONTEXT)
    fake.when("GET", "/code/contexts", json=[CONTEXT])
    fake.when("GET", "/code/contexts/c1", json=CONTEXT)
    fake.when("POST", "/code/contexts/c1/restart", json=CONTEXT)
    fake.when("DELETE", "/code/contexts/c1")
    fake.when("DELETE", "/code")
    codes = (await interpreter_on(fake)).codes
    context = await codes.create_context(SupportedLanguage.PYTHON, working_dir="/work", envs={"A": "1"})
    assert context == CodeContext(context_id="c1", language="python", working_dir="/work")
    assert await codes.list_contexts() == [context]
    assert await codes.list_contexts(SupportedLanguage.PYTHON) == [context]
    assert await codes.get_context(context.context_id) == await codes.restart_context(context) == context
    await codes.interrupt(context.context_id)
    await codes.delete_context(context)
    assert [request.method for request in fake.sent] == ["POST", "GET", "GET", "GET", "POST", "DELETE", "DELETE"]


async def test_languages_are_told() -> None:
    fake = FakeTransport()
    told = {"name": "python", "aliases": ["py"], "kernel": "ipykernel 7", "version": "3.11", "warm": 1, "limits": []}
    fake.when("GET", "/code/languages", json=[told])
    (language,) = await (await interpreter_on(fake)).codes.languages()
    assert (language.name, language.aliases, language.warm) == ("python", ("py",), 1)


async def test_a_lost_context_is_told_with_its_state() -> None:
    fake = FakeTransport()
    fake.when("POST", "/code", error=ContextNotFoundException("no context 'c1'"))
    interpreter = await interpreter_on(fake)
    with pytest.raises(ContextNotFoundException) as caught:
        await interpreter.codes.run("x", context_id="c1")
    assert caught.value.state_lost
    assert caught.value.execution is None
    assert [request.method for request in fake.sent] == ["POST"]


async def test_what_the_daemon_does_not_have_is_said() -> None:
    interpreter = await interpreter_on(FakeTransport(features=frozenset()))
    with pytest.raises(NotSupportedException, match="ephemeral"):
        await interpreter.codes.run("x", ephemeral=True)
    with pytest.raises(NotSupportedException, match="restart"):
        await interpreter.codes.restart_context("c1")


async def test_an_interpreter_says_where_it_is() -> None:
    interpreter = await interpreter_on(FakeTransport())
    assert repr(interpreter).endswith("('http://localhost'))")
    assert interpreter.codes is not None
