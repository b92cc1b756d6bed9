"""Commands against a daemon that does as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from opensandbox import OutputLine, Sandbox
from opensandbox.exceptions import (
    CommandFailedException,
    CommandNotFoundException,
    InvalidRequestException,
    NotSupportedException,
    ShuttingDownException,
    StreamInterruptedException,
)

from ..worlds import LIMIT_S, FakeDaemon, Incoming, Wire, complete, err, execution, failed, fake_daemon, init, out


class LongRun:
    """A run that goes on until it is interrupted, and says so on its stream."""

    def __init__(self, daemon: FakeDaemon, *first: dict[str, Any]) -> None:
        self.stopped = threading.Event()
        self._first = first or (init(), out("working\n"))
        daemon.on("POST", "/command", self._start)
        daemon.on("DELETE", "/command", self._stop)

    def _start(self, _: Incoming, wire: Wire) -> None:
        wire.begin()
        for number, event in enumerate(self._first, 1):
            wire.event(event, number)
        self.stopped.wait(LIMIT_S)
        wire.event(failed("INTERRUPTED", cause="interrupted", stdout_bytes=8), len(self._first) + 1)
        wire.end()

    def _stop(self, _: Incoming, wire: Wire) -> None:
        self.stopped.set()
        wire.reply()


async def test_a_run_gives_text_bytes_lines_and_end() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init("a1"), out("one\ntw"), err("oops\n"), out("o\r\n\nlast"), complete(14, 5))
        async with await Sandbox.connect(daemon.url) as sandbox:
            execution = await sandbox.commands.run("x")
    assert execution.id == "a1"
    assert execution.stdout == "one\ntwo\r\n\nlast"
    assert execution.stderr_bytes == b"oops\n"
    assert execution.logs.stdout == ["one", "two", "", "last"]
    assert execution.logs.stderr[0].text == "oops"
    assert (execution.exit_code, execution.cause, execution.duration, execution.truncated) == (
        0,
        "exited",
        0.007,
        False,
    )


async def test_handlers_get_each_line_as_it_comes() -> None:
    told: list[tuple[str, str]] = []
    with fake_daemon() as daemon:
        daemon.runs(init(), out("a\nb"), err("e1\ne2"), out("c\nd"), complete(6, 5))
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.run(
                "x",
                on_stdout=lambda line: told.append(("out", line.text)),
                on_stderr=lambda line: told.append(("err", line.text)),
            )
    assert told == [("out", "a"), ("err", "e1"), ("out", "bc"), ("out", "d"), ("err", "e2")]


async def test_a_handler_may_be_a_coroutine_function() -> None:
    told: list[OutputLine] = []

    async def keep(line: OutputLine) -> None:
        told.append(line)

    with fake_daemon() as daemon:
        daemon.runs(init(), out("a\nb\n"), complete(4))
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.run("x", on_stdout=keep)
    assert told == ["a", "b"]


async def test_an_exception_in_a_handler_interrupts_and_propagates() -> None:
    def refuse(line: OutputLine) -> None:
        raise LookupError(line.text)

    with fake_daemon() as daemon:
        run = LongRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(LookupError, match="working"):
                await sandbox.commands.run("x", on_stdout=refuse)
            assert run.stopped.is_set()


async def test_a_stream_gives_lines_and_then_raises_as_run_does() -> None:
    lines: list[tuple[str, str]] = []
    with fake_daemon() as daemon:
        daemon.runs(init(), out("a\nb"), err("e\n"), failed(stdout_bytes=3, stderr_bytes=2, exit_code=3))
        async with await Sandbox.connect(daemon.url) as sandbox:
            stream = sandbox.commands.run_stream("x")

            async def read() -> None:
                async for line in stream:
                    lines.append((line.text, line.stream))  # noqa: PERF401 - kept when the loop raises

            with pytest.raises(CommandFailedException) as caught:
                await read()
    assert lines == [("a", "stdout"), ("e", "stderr"), ("b", "stdout")]
    assert caught.value.error.details["exit_code"] == 3
    assert stream.execution.exit_code == 3


async def test_chunks_are_given_as_they_were_written() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), out("a\nb"), out("c"), complete(4))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert [chunk.text async for chunk in sandbox.commands.run_stream("x", mode="chunks")] == ["a\nb", "c"]


async def test_leaving_a_stream_interrupts_the_command_and_waits_for_it() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            async with sandbox.commands.run_stream("x") as lines:
                async for line in lines:
                    assert line == "working"
                    break
            assert run.stopped.is_set()


async def test_closing_interrupts_all_runs_at_once() -> None:
    is_alone: list[bool] = []
    everybody = threading.Barrier(3)
    with fake_daemon() as daemon:
        run = LongRun(daemon)

        def stop(_: Incoming, wire: Wire) -> None:
            try:
                everybody.wait(1)
            except threading.BrokenBarrierError:
                is_alone.append(True)
            run.stopped.set()
            wire.reply()

        daemon.on("DELETE", "/command", stop)
        async with await Sandbox.connect(daemon.url) as sandbox:
            readers = [aiter(sandbox.commands.run_stream("x")) for _ in range(3)]
            for reader in readers:
                assert await anext(reader) == "working"
        assert len(daemon.seen("DELETE", "/command")) == 3
    assert is_alone == []


async def test_breaking_out_of_a_bare_loop_interrupts_the_command() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            async for _ in sandbox.commands.run_stream("x"):
                break
            give_up = time.monotonic() + 1
            while not run.stopped.is_set():
                assert time.monotonic() < give_up
                await sandbox.is_healthy()


async def test_closing_the_sandbox_finishes_what_a_dying_loop_left() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            lines = sandbox.commands.run_stream("x")
            items = aiter(lines)
            assert await anext(items) == "working"
        assert run.stopped.is_set()


async def test_a_stream_is_read_once() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), complete())
        async with await Sandbox.connect(daemon.url) as sandbox:
            lines = sandbox.commands.run_stream("x")
            assert [line async for line in lines] == []
            with pytest.raises(RuntimeError, match="once"):
                [line async for line in lines]


async def test_a_non_zero_exit_raises_unless_it_is_not_checked() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), failed(exit_code=3))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(CommandFailedException):
                await sandbox.commands.run("exit 3")
            assert (await sandbox.commands.run("exit 3", check=False)).exit_code == 3


class Listening:
    """A run that reads its standard input, and ends at the end of it."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.data = b""
        self.writes = 0
        self._ended = threading.Event()
        daemon.on("POST", "/command", self._start)
        daemon.on("POST", "/executions", self._write)

    def _start(self, _: Incoming, wire: Wire) -> None:
        wire.begin()
        wire.event(init(), 1)
        self._ended.wait(LIMIT_S)
        wire.event(complete(), 2)
        wire.end()

    def _write(self, asked: Incoming, wire: Wire) -> None:
        self.data += asked.body
        self.writes += 1
        wire.reply()
        if asked.query.get("eof") == "true":
            self._ended.set()


async def some_bytes() -> AsyncIterator[bytes]:
    for data in (b"a", b"", b"b" * 100, b"c"):
        yield data


@pytest.mark.parametrize(
    ("stdin", "data", "writes"),
    [
        ("b\na\n", b"b\na\n", 1),
        (b"\xff", b"\xff", 1),
        ("", b"", 1),
        ("ä" * 1_000_000, "ä".encode() * 1_000_000, 2),
        (bytearray(b"ab"), b"ab", 1),
        (memoryview(b"abcd")[::2], b"ac", 1),
    ],
)
async def test_standard_input_is_written_and_closed(stdin: str | bytes, data: bytes, writes: int) -> None:
    with fake_daemon() as daemon:
        program = Listening(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.run("sort", stdin=stdin)
    assert (program.data == data, program.writes) == (True, writes)


@pytest.mark.parametrize(
    ("stdin", "fault"),
    [(7, TypeError), (object(), TypeError), ("half a \ud800", ValueError)],
    ids=["a number", "an object", "a surrogate"],
)
async def test_what_cannot_be_standard_input_is_refused_before_anything_starts(
    stdin: Any, fault: type[Exception]
) -> None:
    with fake_daemon() as daemon:
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(fault, match="stdin"):
                await sandbox.commands.run("x", stdin=stdin)
            with pytest.raises(fault, match="stdin"):
                sandbox.commands.run_stream("x", stdin=stdin)
            with pytest.raises(fault, match="stdin"):
                await sandbox.commands.run_background("x", stdin=stdin)
            with pytest.raises(fault, match="stdin"):
                await sandbox.commands.write_stdin("a1", stdin)
        assert {request.path for request in daemon.requests} == {"/ready", "/version"}


async def test_standard_input_may_be_an_iterator() -> None:
    with fake_daemon() as daemon:
        program = Listening(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.run("sort", stdin=some_bytes())
    assert program.data == b"a" + b"b" * 100 + b"c"


async def test_an_exception_in_the_iterator_interrupts_and_propagates() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    with fake_daemon() as daemon:
        run = LongRun(daemon)
        daemon.on("POST", "/executions", lambda _, wire: wire.reply())
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(LookupError, match="no more"):
                await sandbox.commands.run("sort", stdin=broken())
            assert run.stopped.is_set()


async def test_standard_input_that_breaks_interrupts_and_raises_with_what_came() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon)
        daemon.on("POST", "/executions", lambda _, wire: wire.cut())
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(StreamInterruptedException, match="standard input broke") as caught:
                await sandbox.commands.run("sort", stdin=b"a")
            assert run.stopped.is_set()
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "working\n"


async def test_a_program_that_wants_no_more_input_is_no_fault() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), out("a\n"), complete(2))
        daemon.on("POST", "/executions", lambda _, wire: wire.refuse(409, "STDIN_CLOSED"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert (await sandbox.commands.run("head -1", stdin=b"a\nb\n")).stdout == "a\n"


async def test_a_refused_start_is_the_daemons_answer() -> None:
    with fake_daemon() as daemon:
        daemon.on("POST", "/command", lambda _, wire: wire.refuse(400, "INVALID_REQUEST_BODY", "no such directory"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(InvalidRequestException, match="no such directory") as caught:
                await sandbox.commands.run("x", working_dir="/nope")
        assert caught.value.request_id == "req-1"
        assert daemon.seen("DELETE", "/command") == []


async def test_a_daemon_that_is_busy_is_asked_again() -> None:
    answers = iter(range(9))
    with fake_daemon() as daemon:

        def busy(_: Incoming, wire: Wire) -> None:
            if next(answers) < 2:
                wire.refuse(429, "LIMIT_REACHED")
            else:
                wire.stream([init(), complete()])

        daemon.on("POST", "/command", busy)
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.run("x")
        starts = daemon.seen("POST", "/command")
    assert len({request.json["execution_id"] for request in starts}) == 1
    assert len(starts) == 3


async def test_a_daemon_that_goes_down_refuses_a_start_by_its_own_class() -> None:
    with fake_daemon() as daemon:
        daemon.on("POST", "/command", lambda _, wire: wire.refuse(503, "SHUTTING_DOWN"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(ShuttingDownException) as caught:
                await sandbox.commands.run("x")
        assert caught.value.execution is None
        assert daemon.seen("DELETE", "/command") == []


async def test_bytes_that_do_not_add_up_raise_with_what_came() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), out("abc"), complete(4))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(StreamInterruptedException) as caught:
                await sandbox.commands.run("x", check=False)
    assert caught.value.error.details["expected"] == {"stdout": 4, "stderr": 0}
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "abc"


async def test_bytes_that_are_no_base64_interrupt_and_raise_with_what_came() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon, init(), out("a"), {"type": "stdout", "data": "!"})
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(StreamInterruptedException, match="cannot be read") as caught:
                await sandbox.commands.run("x")
            assert run.stopped.is_set()
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "a"


async def test_a_gap_in_the_numbers_interrupts_and_raises() -> None:
    with fake_daemon() as daemon:
        run = LongRun(daemon)

        def gap(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(init(), 1)
            wire.event(out("a"), 3)
            run.stopped.wait(LIMIT_S)

        daemon.on("POST", "/command", gap)
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(StreamInterruptedException) as caught:
                await sandbox.commands.run("x")
        assert caught.value.error.details == {"expected": 2, "received": 3}
        assert run.stopped.is_set()


async def test_a_daemon_without_extensions_still_runs_commands() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/version", lambda _, wire: wire.refuse(404, "ROUTE_NOT_FOUND"))
        daemon.on("GET", "/ready", lambda _, wire: wire.reply(404, b"no such page"))

        def run(_: Incoming, wire: Wire) -> None:
            wire.begin()
            for event in (init(), out("a"), out("\n"), {"type": "execution_complete", "execution_time": 5}):
                wire.event(event)
            threading.Event().wait(0.2)  # such daemons take their time with the end of the body
            wire.end()

        daemon.on("POST", "/command", run)
        async with await Sandbox.connect(daemon.url) as sandbox:
            execution = await sandbox.commands.run("x")
            assert (execution.stdout, execution.exit_code) == ("a\n\n", 0)
            with pytest.raises(NotSupportedException, match="stdin"):
                await sandbox.commands.run("x", stdin="y")
        assert daemon.seen("POST", "/command")[0].json == {"command": "x"}


async def test_a_daemon_without_replay_reports_a_broken_stream() -> None:
    with fake_daemon(features=["output"]) as daemon:

        def broken(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(init(), 1)
            wire.event(out("half"), 2)
            wire.cut()

        daemon.on("POST", "/command", broken)
        daemon.on("DELETE", "/command", lambda _, wire: wire.reply())
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(StreamInterruptedException) as caught:
                await sandbox.commands.run("x")
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "half"


async def test_a_background_command_is_a_value_that_works_as_an_id() -> None:
    with fake_daemon() as daemon:

        def start(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(init("bg-1"), 1)
            wire.event({"type": "execution_complete", "execution_time": 0})
            wire.end()

        status = {"id": "bg-1", "content": "x", "running": True, "started_at": "2026-11-23T10:00:12.588Z"}
        daemon.on("POST", "/command", start)
        daemon.on("GET", "/command/status/bg-1", lambda _, wire: wire.reply(200, status))
        daemon.on("POST", "/executions/bg-1/stdin", lambda _, wire: wire.reply())
        async with await Sandbox.connect(daemon.url) as sandbox:
            session = await sandbox.commands.run_background("x", stdin="yes\n")
            assert (await sandbox.commands.get_status(session)).is_running
            assert not (await sandbox.commands.get_status("bg-1")).is_complete
            await sandbox.commands.write_stdin(session, "more\n")
            await sandbox.commands.close_stdin(session)
        written = daemon.seen("POST", "/executions/bg-1/stdin")
        assert [(request.body, request.query) for request in written] == [
            (b"yes\n", {"eof": "true"}), (b"more\n", {}), (b"", {"eof": "true"}),
        ]  # fmt: skip
        assert daemon.seen("POST", "/command")[0].json["background"] is True


async def test_what_is_not_built_yet_says_so() -> None:
    with fake_daemon() as daemon:
        daemon.on("POST", "/command", lambda _, wire: wire.refuse(501, "NOT_SUPPORTED", field="background"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(NotSupportedException) as caught:
                await sandbox.commands.run_background("x")
    assert caught.value.error.details == {"field": "background"}


async def test_a_background_start_that_breaks_after_its_first_event_is_a_start() -> None:
    with fake_daemon() as daemon:

        def broken(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(init("bg-1"), 1)
            wire.cut()

        daemon.on("POST", "/command", broken)
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert str(await sandbox.commands.run_background("x")) == "bg-1"
        assert daemon.seen("GET", "/executions/bg-1/events") == []


async def test_a_background_command_that_wants_no_input_is_started_all_the_same() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init("bg-1"), {"type": "execution_complete", "execution_time": 0})
        daemon.on("POST", "/executions/bg-1/stdin", lambda _, wire: wire.refuse(409, "STDIN_CLOSED"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert str(await sandbox.commands.run_background("true", stdin="x")) == "bg-1"


def log_of(pieces: dict[str, bytes], *, end: int, start: int | None = None) -> Any:
    """Answer a log, each stream its bytes."""

    def answer(asked: Incoming, wire: Wire) -> None:
        headers = {"EXECD_COMMANDS_TAIL_CURSOR": str(end)}
        if start is not None:
            headers["EXECD_COMMANDS_LOG_START"] = str(start)
        wire.reply(200, pieces[asked.query.get("stream", "")], **headers)

    return answer


async def test_output_is_both_streams_up_to_one_cursor() -> None:
    with fake_daemon(features=["logs"]) as daemon:
        daemon.on("GET", "/command/a1/logs", log_of({"stdout": b"out\xff", "stderr": b"err"}, end=7, start=0))
        async with await Sandbox.connect(daemon.url) as sandbox:
            output = await sandbox.commands.get_output("a1")
            assert (output.stdout, output.stdout_bytes, output.stderr) == ("out\ufffd", b"out\xff", "err")
            assert (output.cursor, output.truncated) == (7, False)
            await sandbox.commands.get_output("a1", cursor=7)
        asked = [request.query for request in daemon.seen("GET", "/command/a1/logs")]
    first, second = asked[:2]
    assert (first["cursor"], first["stream"]) == ("0", "stdout")
    assert second == {"cursor": "0", "stream": "stderr", "until": "7"}
    assert asked[2]["cursor"] == "7"


async def test_output_whose_beginning_is_gone_says_so() -> None:
    with fake_daemon(features=["logs"]) as daemon:
        daemon.on("GET", "/command/a1/logs", log_of({"stdout": b"o", "stderr": b"e"}, end=70, start=60))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert (await sandbox.commands.get_output("a1", cursor=5)).truncated


async def test_what_is_left_of_a_log_that_overflows_is_asked_for_in_one_piece() -> None:
    newest = 50 * 2**20

    def answer(asked: Incoming, wire: Wire) -> None:
        end = int(asked.query.get("until", newest))
        start = min(newest - 3, end)
        body = b"end" if end == newest and asked.query["stream"] == "stdout" else b""
        headers = {"EXECD_COMMANDS_TAIL_CURSOR": str(end), "EXECD_COMMANDS_LOG_START": str(start)}
        wire.reply(200, body, **headers, EXECD_COMMANDS_LOG_END=str(newest))

    with fake_daemon(features=["logs"]) as daemon:
        daemon.on("GET", "/command/a1/logs", answer)
        async with await Sandbox.connect(daemon.url) as sandbox:
            output = await sandbox.commands.get_output("a1")
        asked = [request.query.get("until") for request in daemon.seen("GET", "/command/a1/logs")]
    assert (output.stdout, output.cursor, output.truncated) == ("end", newest, True)
    assert asked[2:] == [None, str(newest)]


async def test_a_daemon_that_keeps_no_streams_apart_gives_both_as_one() -> None:
    with fake_daemon(features=[]) as daemon:
        daemon.on("GET", "/command/a1/logs", log_of({"": b"out\nerr\n"}, end=8))
        async with await Sandbox.connect(daemon.url) as sandbox:
            output = await sandbox.commands.get_output("a1")
    assert (output.stdout, output.stderr, output.cursor, output.truncated) == ("out\nerr\n", "", 8, False)


async def test_the_list_of_commands_goes_over_all_pages() -> None:
    with fake_daemon() as daemon:

        def page(asked: Incoming, wire: Wire) -> None:
            more = {"next_cursor": "c2"} if "cursor" not in asked.query else {}
            wire.reply(200, {"executions": [execution(id=f"a{len(asked.query)}")], **more})

        daemon.on("GET", "/executions", page)
        async with await Sandbox.connect(daemon.url) as sandbox:
            found = await sandbox.commands.list(running=True)
    assert [status.id for status in found] == ["a3", "a4"]
    assert (found[0].is_running, found[0].background, found[0].command) == (True, True, "x")


async def test_a_session_of_a_daemon_without_extensions_gives_lines() -> None:
    with fake_daemon(features=["output"]) as daemon:
        daemon.on("POST", "/session", lambda _, wire: wire.reply(200, {"session_id": "s1"}))
        daemon.on("DELETE", "/session/s1", lambda _, wire: wire.reply())

        def run(_: Incoming, wire: Wire) -> None:
            wire.begin()
            for number, event in enumerate((init("e1"), out("a"), out("\n"), complete(3)), 1):
                wire.event(event, number)
            wire.end()

        daemon.on("POST", "/session/s1/run", run)
        async with await Sandbox.connect(daemon.url) as sandbox, sandbox.commands.session() as shell:
            assert (await shell.run("x")).stdout == "a\n\n"
        assert daemon.seen("POST", "/session/s1/run")[0].json == {"command": "x"}
        assert len(daemon.seen("DELETE", "/session/s1")) == 1


async def test_a_signal_is_sent_by_its_name() -> None:
    with fake_daemon(features=["signal"]) as daemon:
        daemon.on("POST", "/executions/a1/signal", lambda _, wire: wire.reply())
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.send_signal("a1", "SIGINT")
        assert daemon.seen("POST", "/executions/a1/signal")[0].json == {"signal": "SIGINT"}


async def test_attaching_replays_and_follows_and_leaves_the_command_alone() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init("a1"), out("a\nb\n"), complete(4))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert [line async for line in sandbox.commands.attach("a1")] == ["a", "b"]
            async with sandbox.commands.attach("a1") as lines:
                async for line in lines:
                    assert line == "a"
                    break
        assert daemon.seen("DELETE", "/command") == []


async def test_attaching_to_a_run_of_a_client_that_asked_for_lines_gives_its_lines() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init("a1"), out("a"), out("b"), complete(5), output="lines")
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert [line async for line in sandbox.commands.attach("a1")] == ["a", "b"]


async def test_waiting_follows_from_the_newest_event() -> None:
    told = execution()
    with fake_daemon() as daemon:
        daemon.runs(init("a1"), out("a\n"), out("b\n"), complete(4))
        daemon.on("GET", "/executions/a1", lambda _, wire: wire.reply(200, told))
        script = [init("a1"), out("a\n"), out("b\n"), complete(4)]
        daemon.on(
            "GET", "/executions/a1/events", lambda asked, wire: wire.stream(script, after=int(asked.query["after"]))
        )
        daemon.on("GET", "/command/status/a1", lambda _, wire: wire.reply(200, {**told, "running": False}))
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert (await sandbox.commands.wait("a1")).is_complete
        assert daemon.seen("GET", "/executions/a1/events")[0].query == {"after": "2"}


async def test_interrupting_twice_because_the_answer_was_lost_is_one_interrupt() -> None:
    with fake_daemon() as daemon:

        def lose_then_refuse(_: Incoming, wire: Wire) -> None:
            if len(daemon.seen("DELETE", "/command")) == 1:
                wire.cut()
            else:
                wire.refuse(409, "ALREADY_FINISHED")

        daemon.on("DELETE", "/command", lose_then_refuse)
        async with await Sandbox.connect(daemon.url) as sandbox:
            await sandbox.commands.interrupt("a1")
        assert len(daemon.seen("DELETE", "/command")) == 2


async def test_an_unknown_command_has_no_status() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/command/status", lambda _, wire: wire.refuse(404, "COMMAND_NOT_FOUND"))
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(CommandNotFoundException):
                await sandbox.commands.get_status("nope")


async def test_one_connection_serves_many_runs() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), out("a"), complete(1))
        async with await Sandbox.connect(daemon.url) as sandbox:
            for _ in range(20):
                await sandbox.commands.run("x")
        assert len(daemon._connections) == 1
