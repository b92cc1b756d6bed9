from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import weakref
from pathlib import Path

import pytest

from execd.errors import AlreadyFinished, InvalidRequestBody, StdinClosed
from execd.process.members import look
from execd.process.owner import Owner
from execd.process.states import Input, Kind
from execd.process.sweep import Sweep
from execd.runs.registry import Retention

from .rooms import Room, alive, descriptors, gone, kill, own_zombies, until

# Leaves the group, the session and its parents, as a daemon does.
DAEMONIZE = f"""{sys.executable} -I -S -c '
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print(os.getpid(), flush=True)
time.sleep(600)'"""

# Leaves the group and the session, tells its number then, and holds no pipe.
ESCAPE = "setsid sh -c 'echo $$; exec sleep 600 >/dev/null 2>&1'"


# ── the end by itself ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [0, 1, 3, 126, 127, 255])
async def test_an_exit_code_is_told_as_it_is(room: Room, code: int) -> None:
    end = await room.start(f"exit {code}").end()
    assert (end["cause"], end["exit_code"]) == ("exited", code)
    assert end["type"] == ("error" if code else "execution_complete")
    assert "signal" not in end


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGTERM", "SIGINT"])
async def test_a_death_by_a_signal_that_nobody_asked_for_is_signaled(room: Room, name: str) -> None:
    end = await room.start(f"kill -{name.removeprefix('SIG')} $$").end()
    assert (end["cause"], end["signal"], end["code"]) == ("signaled", name, "COMMAND_FAILED")
    assert "exit_code" not in end
    assert end["error"]["evalue"] == "-1"


async def test_sigkill_with_a_risen_count_of_memory_kills_is_out_of_memory(tmp_path: Path) -> None:
    counts = iter([4, 5])
    end = await Room(str(tmp_path), memory_kills=lambda: next(counts)).start("kill -KILL $$").end()
    assert (end["cause"], end["code"], end["signal"]) == ("out_of_memory", "OUT_OF_MEMORY", "SIGKILL")


async def test_output_written_just_before_the_exit_is_there(room: Room) -> None:
    watched = await room.run("head -c 200000 /dev/zero; echo done >&2; exit 5", output="chunks")
    assert watched.bytes("stdout") == bytes(200_000)
    assert watched.bytes("stderr") == b"done\n"
    assert watched.events[-1]["stdout_bytes"] == 200_000


async def test_a_program_that_closes_its_output_ends_with_its_exit(room: Room) -> None:
    watched = room.start("exec >&- 2>&-; read line; exit 7", stdin="pipe")
    assert watched.run.control
    await watched.run.control.write_stdin(b"go on\n")
    assert (await watched.end())["exit_code"] == 7


async def test_a_grandchild_that_holds_the_pipe_delays_the_end_by_no_more_than_the_drain(room: Room) -> None:
    watched = room.start("echo before; sleep 600 & echo $!")
    assert await watched.word() == "before"
    survivor = await watched.number()
    end = await watched.end()
    assert (end["cause"], end["exit_code"]) == ("exited", 0)
    assert alive(survivor)
    kill(survivor)


async def test_a_grandchild_that_holds_the_pipe_for_a_moment_is_heard(tmp_path: Path) -> None:
    room = Room(str(tmp_path), drain_grace_ms=10_000)
    assert await room.text("(read x; echo late) <&0 & exit 0", stdin="pipe") == "late\n"


async def test_a_survivor_of_a_finished_leader_goes_on_and_does_not_die_of_sigpipe(room: Room, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    watched = room.start(
        f"(read x <{fifo}; head -c 1000000 /dev/zero; echo $? >{tmp_path}/status; echo ok >{fifo}) & echo $!"
    )
    survivor = await watched.number()
    await watched.end()
    stored = watched.run.store.stdout_bytes
    await asyncio.to_thread(fifo.write_text, "go\n")
    assert await asyncio.to_thread(fifo.read_text) == "ok\n"
    assert (tmp_path / "status").read_text() == "0\n"
    assert watched.run.store.stdout_bytes == stored
    await gone(survivor)


async def test_a_pipe_is_closed_when_its_last_survivor_has_gone(room: Room) -> None:
    before = descriptors()
    watched = room.start("sleep 600 & echo $!")
    survivor = await watched.number()
    await watched.end()
    assert descriptors() == before + 2
    kill(survivor)
    await until(lambda: descriptors() == before)


# ── the end by us ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_interrupt_ends_the_group_and_its_signal_is_told(room: Room) -> None:
    watched = room.start("sleep 600 & echo $!; echo $$; wait")
    pids = [await watched.number(), await watched.number()]
    await room.commands.interrupt(watched.run.id)
    assert not any(map(alive, pids))
    end = await watched.end()
    assert (end["cause"], end["code"], end["signal"]) == ("interrupted", "INTERRUPTED", "SIGTERM")
    assert own_zombies() == []


@pytest.mark.parametrize(
    ("cause", "code"),
    [("interrupted", "INTERRUPTED"), ("cancelled", "CANCELLED"), ("shutting_down", "SHUTTING_DOWN")],
)
async def test_the_cause_of_a_stop_stands_whatever_the_exit(room: Room, cause: str, code: str) -> None:
    watched = room.start("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    await watched.word()
    assert watched.run.control
    watched.run.control.stop(cause)
    watched.run.control.stop("interrupted")
    end = await watched.end()
    assert (end["cause"], end["code"], end["exit_code"], end["error"]["evalue"]) == (cause, code, 0, "0")


async def test_what_is_written_on_the_way_out_is_there(room: Room) -> None:
    watched = room.start("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done")
    await watched.word()
    await room.commands.interrupt(watched.run.id)
    assert await watched.word() == "bye"


async def test_who_ignores_term_is_killed_after_the_grace(impatient: Room) -> None:
    watched = impatient.start("trap '' TERM; sleep 600 & echo $!; echo $$; while :; do sleep 600; done")
    pids = [await watched.number(), await watched.number()]
    await impatient.commands.interrupt(watched.run.id)
    assert not any(map(alive, pids))
    assert (await watched.end())["signal"] == "SIGKILL"


async def test_a_grandchild_that_ignores_term_is_killed_after_its_leader_has_gone(impatient: Room) -> None:
    watched = impatient.start("(trap '' TERM; sleep 600 & echo $!; echo $BASHPID; wait; sleep 600) & wait")
    pids = [await watched.number(), await watched.number()]
    await impatient.commands.interrupt(watched.run.id)
    assert not any(map(alive, pids))
    assert (await watched.end())["signal"] == "SIGTERM"


@pytest.mark.parametrize("way_out", [f"{ESCAPE} & wait", f"{DAEMONIZE}; sleep 600"])
async def test_a_grandchild_that_leaves_the_group_goes_with_the_run(room: Room, way_out: str) -> None:
    watched = room.start(way_out)
    escaped = await watched.number()
    await room.commands.interrupt(watched.run.id)
    assert not alive(escaped)


async def test_a_grandchild_that_leaves_the_group_and_ignores_term_is_killed(impatient: Room) -> None:
    watched = impatient.start("setsid bash -c 'trap \"\" TERM; echo $$; while :; do sleep 600; done' & wait")
    escaped = await watched.number()
    await impatient.commands.interrupt(watched.run.id)
    assert not alive(escaped)


async def test_a_stopped_program_is_ended_without_waiting_for_the_grace(room: Room) -> None:
    watched = room.start("sleep 600 & echo $!; kill -STOP $! $$")
    child = await watched.number()
    await until(lambda: (process := look(watched.run.pid or 0)) and process.state == "T")
    await room.commands.interrupt(watched.run.id)
    assert not alive(child)
    assert (await watched.end())["signal"] == "SIGTERM"


async def test_what_another_run_has_started_is_left_alone(room: Room) -> None:
    other = room.start("sleep 600 & setsid sleep 600 & echo $!; wait")
    bystander = await other.number()
    watched = room.start("sleep 600 & echo $!; wait")
    await watched.number()
    await room.commands.interrupt(watched.run.id)
    assert alive(bystander)
    await room.commands.interrupt(other.run.id)
    assert not alive(bystander)


async def test_a_stop_that_meets_a_draining_run_takes_the_survivors_and_the_exit_stays_the_cause(
    tmp_path: Path,
) -> None:
    room = Room(str(tmp_path), drain_grace_ms=60_000)
    watched = room.start("sleep 600 & echo $!; exit 4")
    survivor = await watched.number()
    await gone(watched.run.pid or 0)
    await room.commands.interrupt(watched.run.id)
    assert not alive(survivor)
    end = await watched.end()
    assert (end["cause"], end["exit_code"]) == ("exited", 4)


async def test_a_leader_that_is_gone_already_was_not_stopped_by_us(room: Room) -> None:
    watched = room.start("exit 9")
    os.waitid(os.P_PID, watched.run.pid or 0, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop must not notice
    assert watched.run.control
    watched.run.control.stop("interrupted")
    end = await watched.end()
    assert (end["cause"], end["exit_code"]) == ("exited", 9)


async def test_a_timer_that_rings_after_the_exit_finds_that_first(room: Room) -> None:
    # Event loops differ in what they look at first, timers or descriptors.
    watched = room.start("exit 9")
    os.waitid(os.P_PID, watched.run.pid or 0, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop must not notice
    assert isinstance(watched.run.control, Owner)
    watched.run.control._rung(Input(Kind.TIMEOUT, cause="timed_out"))
    assert (await watched.end())["cause"] == "exited"


async def test_what_cannot_be_killed_does_not_hold_the_end_and_is_reaped_when_it_goes(
    impatient: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr("execd.process.owner.KILL_LIMIT_S", 0.1)
    watched = impatient.start("echo $$; setsid sleep 600 & echo $!; exec sleep 600")
    pids = [await watched.number(), await watched.number()]
    with monkeypatch.context() as powerless:
        powerless.setattr(os, "killpg", lambda *_: None)
        powerless.setattr(signal, "pidfd_send_signal", lambda *_: None)
        await impatient.commands.interrupt(watched.run.id)
    end = await watched.end()
    assert (end["cause"], end["error"]["traceback"]) == ("interrupted", ["interrupted (no exit status)"])
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: look(pids[0]) is None)
    await until(lambda: descriptors() == before)


async def test_a_grandchild_that_cannot_be_killed_does_not_hold_the_end(
    impatient: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr("execd.process.owner.KILL_LIMIT_S", 0.1)
    watched = impatient.start(f"{ESCAPE} & wait")
    escaped = await watched.number()
    with monkeypatch.context() as powerless:
        powerless.setattr(signal, "pidfd_send_signal", lambda *_: None)
        await impatient.commands.interrupt(watched.run.id)
    assert descriptors() == before
    kill(escaped)


async def test_a_kill_while_exiting_ends_once_whichever_is_first(room: Room) -> None:
    for turn in range(100):
        watched = room.start("exit 3")
        for _ in range(turn % 20):
            await asyncio.sleep(0)
        if watched.run.control:
            watched.run.control.stop("interrupted")
        end = await watched.end()
        assert (end["cause"], end.get("exit_code")) in {("exited", 3), ("interrupted", 3), ("interrupted", None)}
    assert own_zombies() == []


async def test_a_timeout_ends_the_run_with_its_group(room: Room) -> None:
    watched = room.start("sleep 600 & echo $!; wait", timeout=200)
    child = await watched.number()
    end = await watched.end()
    assert (end["cause"], end["code"]) == ("timed_out", "EXECUTION_TIMEOUT")
    assert not alive(child)


async def test_a_timeout_that_is_not_reached_changes_nothing(room: Room) -> None:
    assert (await room.start("exit 2", timeout=60_000).end())["cause"] == "exited"


async def test_closing_the_registry_ends_every_run(room: Room) -> None:
    runs = [room.start("echo $$; sleep 600") for _ in range(10)]
    pids = [await watched.number() for watched in runs]
    await room.registry.close()
    assert {(await watched.end())["cause"] for watched in runs} == {"shutting_down"}
    assert not any(map(alive, pids))


async def test_the_last_reader_s_going_cancels_after_its_grace(room: Room) -> None:
    watched = room.start("echo $$; sleep 600", disconnect_grace_ms=0)
    pid = await watched.number()
    watched.reader.close()
    await gone(pid)
    await watched.run.ended()
    assert watched.run.end
    assert watched.run.end.cause == "cancelled"


async def test_what_ends_twice_is_refused_the_second_time(room: Room) -> None:
    watched = await room.run("true")
    with pytest.raises(AlreadyFinished):
        await room.commands.interrupt(watched.run.id)


# ── readers that are slow ────────────────────────────────────────────────────────────────────────────────────────────

BOUND = 1_000_000


@pytest.fixture
async def tight(tmp_path: Path) -> Room:
    return Room(str(tmp_path), retention=Retention(run_bytes=BOUND))


async def test_a_program_is_held_while_its_reader_does_not_read_and_goes_on_when_it_does(tight: Room) -> None:
    watched = tight.start("yes x | head -c 8000000", output="chunks")
    for turn in (1, 2):
        await until(lambda: watched.run.held)
        assert watched.run.store.stdout_bytes < 3 * turn * BOUND
        watched.take()
    end = await watched.end()
    assert watched.bytes("stdout") == b"x\n" * 4_000_000
    assert (end["exit_code"], end["truncated"]) == (0, False)


async def test_a_program_that_is_held_can_be_interrupted(tight: Room) -> None:
    watched = tight.start("yes x")
    await until(lambda: watched.run.held)
    await tight.commands.interrupt(watched.run.id)
    assert watched.run.end
    assert watched.run.end.cause == "interrupted"


async def test_a_program_that_exits_while_it_is_held_ends_when_its_pipe_is_empty(tmp_path: Path) -> None:
    room = Room(str(tmp_path), retention=Retention(run_bytes=BOUND), drain_grace_ms=60_000)
    watched = room.start("yes x | head -c 8000000 & exec >&-; read x; exit 3", stdin="pipe")
    await until(lambda: watched.run.held)
    assert watched.run.control
    await watched.run.control.write_stdin(b"\n")
    async with asyncio.timeout(10):
        await watched.run.ended()
    assert watched.run.end
    assert watched.run.end.exit_code == 3


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_requested_signal_that_kills_the_leader_is_an_interrupt(room: Room) -> None:
    watched = room.start("echo ready; exec sleep 600")
    await watched.word()
    assert watched.run.control
    watched.run.control.send_signal("SIGUSR1")
    end = await watched.end()
    assert (end["cause"], end["signal"]) == ("interrupted", "SIGUSR1")


async def test_a_requested_signal_that_the_leader_survives_is_no_interrupt(room: Room) -> None:
    watched = room.start("trap 'echo got; exit 6' USR1; echo ready; while :; do sleep 0.01; done")
    await watched.word()
    assert watched.run.control
    watched.run.control.send_signal("SIGUSR1")
    assert await watched.word() == "got"
    end = await watched.end()
    assert (end["cause"], end["exit_code"]) == ("exited", 6)


async def test_an_unknown_signal_is_refused(room: Room) -> None:
    watched = room.start("sleep 600")
    assert watched.run.control
    with pytest.raises(InvalidRequestBody, match="SIGNOPE"):
        watched.run.control.send_signal("SIGNOPE")
    await room.commands.interrupt(watched.run.id)


async def test_programs_start_with_every_signal_as_it_is_by_default(room: Room) -> None:
    shown = await room.text("grep -E '^Sig(Blk|Ign)' /proc/self/status")
    masks = [int(line.split()[1], 16) for line in shown.splitlines()]
    of_the_c_library = 1 << 31 | 1 << 32  # Ignored in what posix_spawn has started, as test runners do.
    assert [mask & ~of_the_c_library for mask in masks] == [0, 0]


# ── standard input ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_standard_input_reaches_the_program_and_its_end_too(room: Room) -> None:
    watched = room.start("cat", stdin="pipe", output="chunks")
    control = watched.run.control
    assert control
    data = os.urandom(1_000_000)
    await control.write_stdin(data)
    control.close_stdin()
    await watched.end()
    assert watched.bytes("stdout") == data


async def test_without_a_pipe_standard_input_is_empty_and_cannot_be_written(room: Room) -> None:
    watched = room.start("cat; echo end; sleep 600")
    assert await watched.word() == "end"
    assert watched.run.control
    with pytest.raises(StdinClosed):
        await watched.run.control.write_stdin(b"x")
    with pytest.raises(StdinClosed):
        watched.run.control.close_stdin()
    await room.commands.interrupt(watched.run.id)


async def test_closed_standard_input_refuses_more(room: Room) -> None:
    watched = room.start("cat; echo end; sleep 600", stdin="pipe")
    control = watched.run.control
    assert control
    control.close_stdin()
    assert await watched.word() == "end"
    for refused in (control.write_stdin(b""), control.write_stdin(b"x")):
        with pytest.raises(StdinClosed):
            await refused
    with pytest.raises(StdinClosed):
        control.close_stdin()
    await room.commands.interrupt(watched.run.id)


async def test_a_writer_that_waits_is_told_when_the_program_ends(room: Room) -> None:
    watched = room.start("echo ready; exec sleep 600", stdin="pipe")
    await watched.word()
    assert watched.run.control
    writing = asyncio.ensure_future(watched.run.control.write_stdin(bytes(10_000_000)))
    await asyncio.sleep(0)
    assert not writing.done()
    await room.commands.interrupt(watched.run.id)
    with pytest.raises(StdinClosed):
        await writing


# ── faults of ours ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fault_in_the_store_ends_the_run_as_an_internal_error_and_kills_the_program(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = room.start("read line; echo $$; echo x; exec sleep 600", stdin="pipe")
    pid = watched.run.pid or 0

    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(watched.run, "write", broken)
    assert watched.run.control
    await watched.run.control.write_stdin(b"go\n")
    end = await watched.end()
    assert (end["cause"], end["code"]) == ("internal_error", "RUNTIME_ERROR")
    assert not alive(pid)


async def test_a_fault_on_the_way_out_of_a_fault_ends_the_run_all_the_same(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Sweep):
        def send(self, number: signal.Signals) -> None:
            raise RuntimeError("planted")

    monkeypatch.setattr("execd.process.owner.Sweep", Broken)
    watched = room.start("echo ready; exec sleep 600")
    await watched.word()
    assert watched.run.control
    watched.run.control.stop("interrupted")
    assert (await watched.end())["cause"] == "internal_error"
    await until(lambda: not own_zombies() and look(watched.run.pid or 0) is None)


async def test_the_limit_of_a_kill_takes_the_place_of_the_grace(room: Room) -> None:
    watched = room.start("trap '' TERM; echo ready; sleep 600; sleep 600")
    await watched.word()
    owner = watched.run.control
    assert isinstance(owner, Owner)
    owner.stop("interrupted")
    grace = owner._timers[Kind.GRACE_OVER]
    owner._fault(RuntimeError("planted"))
    assert grace.cancelled()
    end = await watched.end()
    assert (end["cause"], end["signal"]) == ("internal_error", "SIGKILL")


async def test_a_fault_in_one_run_leaves_the_others_alone(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    other = room.start("read line; echo $line", stdin="pipe")
    monkeypatch.setattr("execd.process.owner.spawn", lambda _: 1 / 0)
    assert (await room.start("true").end())["cause"] == "internal_error"
    assert other.run.control
    await other.run.control.write_stdin(b"fine\n")
    assert await other.word() == "fine"
    assert (await other.end())["exit_code"] == 0


# ── nothing is left ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_runs_of_every_kind_leave_no_zombie_and_no_descriptor(impatient: Room) -> None:
    await impatient.run("true")
    before = descriptors()
    for _ in range(5):
        await impatient.run("echo out; echo err >&2; exit 1")
        await impatient.run(["no such program"])
        await impatient.run("kill -9 $$", stdin="pipe")
        await impatient.run("trap '' TERM; sleep 600; sleep 600", timeout=20)
        watched = impatient.start("setsid sleep 600 & sleep 600", stdin="pipe")
        await impatient.commands.interrupt(watched.run.id)
        watched.reader.close()
    assert own_zombies() == []
    assert descriptors() == before


async def test_a_child_inherits_no_descriptor_of_the_daemon(room: Room) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    listed = await room.text("ls /proc/self/fd", stdin="pipe")
    os.close(reading)
    os.close(writing)
    assert set(listed.split()) <= {"0", "1", "2", "3"}


async def test_a_finished_run_keeps_nothing_of_its_owner(room: Room) -> None:
    watched = room.start("true", timeout=3_600_000)
    owner = weakref.ref(watched.run.control)
    await watched.end()
    gc.collect()
    assert watched.run.control is None
    assert owner() is None
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
