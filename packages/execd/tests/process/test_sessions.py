"""Live shells: what lasts, what each run tells, and what stopping one leaves as it was."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execd.errors import (
    ExecutionConflict,
    InternalFault,
    InvalidRequestBody,
    LimitReached,
    StdinClosed,
)
from execd.process.members import children

from .rooms import Room, alive, descriptors, kill, own_zombies, until


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    room = Room(str(tmp_path), kill_grace_ms=300)
    yield room
    await room.sessions.close()
    assert own_zombies() == []


@pytest.fixture
async def here(room: Room) -> str:
    return await room.session()


# ── what lasts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "ask", "told"),
    [
        ("cd /usr", "pwd", "/usr\n"),
        ("A=1", "echo $A", "1\n"),
        ("export A=1", "sh -c 'echo $A'", "1\n"),
        ("f() { echo f$1; }", "f 2", "f2\n"),
        ("alias hi='echo aliased'", "hi", "aliased\n"),
        ("declare -A m=([k]='a  b')", 'echo "${m[k]}"', "a  b\n"),
        ("shopt -s extglob; set -f", "shopt -q extglob && echo $- | grep -o f; echo *", "f\n*\n"),
        ("umask 027", "umask", "0027\n"),
        ("trap 'echo bye' USR1", "kill -USR1 $$", "bye\n"),
        ("sleep 1000 & P=$!", "[ $! = $P ] && jobs -p | grep -c $P; kill $P; wait $P; echo $?", "1\n143\n"),
        ("exec 5>five; echo a >&5", "echo b >&5; cat five", "a\nb\n"),
        ("exec 9>nine", "echo c >&9; cat nine", "c\n"),
        ("exec 10>ten 11>eleven 12>twelve", "echo d >&11; cat ten eleven twelve", "d\n"),
        ("exec 198>far; exec 199>&198", "echo e >&199; cat far", "e\n"),
        ("printf '1\n2\n' >in; exec <in; read x", "read x; echo $x", "2\n"),
        ("for i in {3..255}; do exec {i}>&-; done", "echo fine", "fine\n"),
        ("(exit 7)", "echo $?", "7\n"),
        ("set -e; A=1; ! true", "echo $A$?", "11\n"),
        ("set -e; A=1; false && true", "echo $A$?; false || (exit 3) && true", "11\n"),
        ("ulimit -n 20", "ulimit -n", "20\n"),
        ("set -a", "B=2; sh -c 'echo $B'; env | grep -c ^__execd", "2\n0\n"),
        ("coproc cat", "echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x", "hi\n"),
        ("mkdir gone; cd gone; rmdir ../gone", 'cd ..; [ $PWD = "$(pwd -P)" ] && echo back', "back\n"),
        ("exec 2>err", "echo oops >&2; cat err", "oops\n"),
        ("set -- x 'y z'", 'echo "$#:$2"', "2:y z\n"),
        ("IFS=,", "v=a,b; for x in $v; do echo $x; done", "a\nb\n"),
        ("printf() { echo mine; }; read() { echo mine; }; eval() { echo mine; }", "echo fine", "fine\n"),
        ("PS1='prompt> '; PROMPT_COMMAND='echo prompted'", "echo fine", "fine\n"),
    ],
)  # fmt: skip
async def test_what_a_run_did_to_the_shell_lasts(room: Room, here: str, before: str, ask: str, told: str) -> None:
    assert (await room.say(here, before))[1] == ""
    assert (await room.say(here, ask))[:2] == (told, "")
    assert await room.say(here, "builtin echo still the same") == ("still the same\n", "", 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200))
async def test_values_survive_byte_for_byte(tmp_path: Path, value: str) -> None:
    room = Room(str(tmp_path))
    here = await room.session()
    quoted = "'" + value.replace("'", "'\\''") + "'"
    await room.say(here, f"V={quoted}")
    assert await room.say(here, 'printf %s "$V"') == (value, "", 0)
    await room.sessions.close()


# ── what a run tells ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo a; echo b >&2; (exit 3)", ("a\n", "b\n", 3)),
        ("printf 'a\n\n\nb'", ("a\n\n\nb", "", 0)),
        ("cat <<X\n$((1 + 1))\n\nX", ("2\n\n", "", 0)),
        ("for i in 1 2; do break; done; echo on; break; echo never", ("on\n", "", 0)),
        ("continue", ("", "", 0)),
        ("return 7", ("", "", 7)),
        ("cat", ("", "", 0)),
        ("false | true", ("", "", 0)),
        ("echo one # comment", ("one\n", "", 0)),
        ("sleep 0 &", ("", "", 0)),
        ("ls /proc/self/fd | wc -l", ("4\n", "", 0)),
    ],
)
async def test_a_run_tells_its_output_and_its_exit_code(
    room: Room, here: str, command: str, told: tuple[str, str, int]
) -> None:
    assert await room.say(here, command) == told
    assert await room.say(here, "echo still") == ("still\n", "", 0)


@pytest.mark.parametrize("command", ["if then", "echo 'abc", 'echo "', "(", "f() {", "case x in"])
async def test_what_is_no_shell_text_fails_and_the_session_goes_on(room: Room, here: str, command: str) -> None:
    out, err, code = await room.say(here, command)
    assert (out, code) == ("", 2)
    assert "syntax error" in err or "unexpected EOF" in err
    assert await room.say(here, "echo still") == ("still\n", "", 0)


@pytest.mark.parametrize(
    ("before", "command", "told"),
    [
        ("trap 'echo \"+ $BASH_COMMAND\"' DEBUG", "A=1; echo $A", ("+ A=1\n+ echo $A\n1\n", "", 0)),
        ("trap 'echo failed $?' ERR", "(exit 3)", ("failed 3\n", "", 3)),
        ("trap 'echo failed' ERR", "true", ("", "", 0)),
        ("set -E; trap 'echo failed' ERR", "f() { false; true; }; f", ("failed\n", "", 0)),
        ("trap 'echo ended' CHLD; false", "echo fine", ("fine\n", "", 0)),
        ("set -T; trap 'echo back' RETURN; false", "echo fine", ("fine\n", "", 0)),
        ("trap 'echo back' RETURN", "echo fine", ("fine\n", "", 0)),
        ("set -x", "echo fine", ("fine\n", "+++ echo fine\n", 0)),
        ("set -v", "echo fine", ("fine\n", "echo fine\n", 0)),
        ("trap 'echo \"two\nlines\"' DEBUG; set -x", "trap - DEBUG; set +x; false", ("two\nlines\n", None, 1)),
    ],
)
async def test_traps_and_tracing_meet_the_users_commands_and_no_other(
    room: Room, here: str, before: str, command: str, told: tuple[str, str | None, int]
) -> None:
    await room.say(here, before)
    await room.say(here, "sleep 1000", timeout=30)
    for _ in range(2):
        out, err, code = await room.say(here, command)
        assert (out, code) == (told[0], told[2])
        assert told[1] in (err, None)
        if told[1] is None:
            break


@pytest.mark.parametrize(
    "harm",
    [
        "builtin() { :; }",
        "eval() { echo mine; }; exec() { :; }; set() { echo mine; }; trap() { echo mine; }; unset() { :; }",
        "alias exec=echo builtin=echo while=echo eval=echo trap=echo",
        "enable -n eval printf read",
        "readonly IFS __execd_text=1 __execd_id=2",
        "__execd_id=5; __execd_code=9; __execd_in=; unset __execd_text",
        "set -r",
        "ulimit -n 3",
        "set -u; set -k; set -t; set -n; set -p; set -P",
        "PATH=/nowhere; LC_ALL=nonsense; BASH_ENV=/nowhere; ENV=/nowhere; TMOUT=1",
        "shopt -s nullglob failglob nocasematch lastpipe; IFS=0123456789abcdef",
        "trap '' INT TERM HUP QUIT PIPE; trap 'exit 9' USR1",
        "disown -a; set -m",
    ],
)
async def test_whatever_is_done_to_a_shell_runs_go_on(room: Room, here: str, harm: str) -> None:
    await room.say(here, harm)
    out, _, code = await room.say(here, "command echo fine; (exit 4)")
    assert (out, code) == ("fine\n", 4)


async def test_a_shell_whose_pipes_are_removed_tells_its_end_and_is_followed_by_another(room: Room, here: str) -> None:
    assert await room.say(here, 'rm -rf "${__execd_tell%/*}"; echo done; (exit 6)') == ("done\n", "", 6)
    assert await room.say(here, "echo on") == ("on\n", "", 0)


async def test_messages_number_the_lines_of_the_command(room: Room, here: str) -> None:
    assert await room.say(here, "\necho $LINENO\necho 'open") == (
        "2\n", "bash: eval: line 3: unexpected EOF while looking for matching `''\n", 2,
    )  # fmt: skip


async def test_much_output_comes_whole(room: Room, here: str) -> None:
    watched = room.begin(here, "seq 1 3000000; echo done >&2")
    assert (await watched.end())["exit_code"] == 0
    assert watched.run.store.stdout_bytes == 22_888_896
    assert watched.bytes("stderr") == b"done\n"


async def test_a_large_command_is_taken(room: Room, here: str) -> None:
    assert await room.say(here, "echo ${#V}; V='" + "x" * 1_000_000 + "'; echo ${#V}") == ("0\n1000000\n", "", 0)


@pytest.mark.slow
async def test_a_large_command_that_is_stopped_while_it_is_read_leaves_nothing(room: Room, here: str) -> None:
    watched = room.begin(here, "echo never\n" * 200_000, timeout=1)
    assert (await watched.end())["cause"] == "timed_out"
    assert await room.say(here, "echo fine") == ("fine\n", "", 0)


async def test_background_jobs_speak_in_the_next_run(room: Room, here: str) -> None:
    os.mkfifo(f"{room.directory}/go")
    os.mkfifo(f"{room.directory}/said")
    await room.say(here, "(read x <go; echo late; echo x >said) &")
    await room.text("echo x >go; read x <said")
    assert await room.say(here, "echo now") == ("late\nnow\n", "", 0)


async def test_a_run_may_change_the_directory_first(room: Room, here: str) -> None:
    assert await room.say(here, "pwd", cwd="/usr") == ("/usr\n", "", 0)
    assert await room.say(here, "pwd", cwd="lib") == ("/usr/lib\n", "", 0)
    assert (await room.say(here, "pwd", cwd="nowhere"))[2] == 1
    with pytest.raises(InvalidRequestBody, match="/nowhere"):
        room.begin(here, "pwd", cwd="/nowhere")


async def test_the_directory_of_a_run_is_expanded_by_the_shell_as_it_is_by_then(room: Room) -> None:
    here = await room.session(envs={"HOME": "/usr", "A": "/usr/lib"})
    assert await room.say(here, "pwd", cwd="~/lib") == ("/usr/lib\n", "", 0)
    assert await room.say(here, "pwd; A='/etc/no such'; B=/", cwd="${A}/..") == ("/usr\n", "", 0)
    assert await room.say(here, "pwd", cwd="$B") == ("/\n", "", 0)
    _, told, code = await room.say(here, "pwd", cwd="$A/it's/${NONE}")
    assert (code, told) == (1, "bash: cd: /etc/no such/it's/${NONE}: No such file or directory\n")


async def test_the_directory_of_a_run_is_not_searched_for_elsewhere(room: Room, here: str) -> None:
    os.mkdir(f"{room.directory}/lib")
    await room.say(here, "CDPATH=/usr")
    assert await room.say(here, "pwd", cwd="lib") == (f"{room.directory}/lib\n", "", 0)


async def test_a_session_starts_where_and_with_what_it_is_told(room: Room) -> None:
    here = await room.session(cwd="made/for/it", envs={"A": "1"})
    assert await room.say(here, "pwd; echo $A") == (f"{room.directory}/made/for/it\n1\n", "", 0)


async def test_runs_have_no_input(room: Room, here: str) -> None:
    watched = room.begin(here, "echo begun; exec sleep 1000")
    assert await watched.word() == "begun\n"
    assert watched.run.control is not None
    with pytest.raises(StdinClosed):
        await watched.run.control.write_stdin(b"x")
    watched.run.control.stop("interrupted")
    await watched.end()


# ── queueing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_runs_wait_for_each_other_in_order(room: Room, here: str) -> None:
    runs = [room.begin(here, f"echo {at}; N=${{N}}{at}; echo $N") for at in range(5)]
    ends = [await watched.end() for watched in runs]
    assert [end["exit_code"] for end in ends] == [0] * 5
    assert runs[4].bytes("stdout") == b"4\n01234\n"
    assert [event["type"] for event in runs[1].events[:2]] == ["init", "status"]
    assert runs[1].events[1]["text"] == "queued"


async def test_a_run_that_waits_ends_at_once_when_it_is_stopped(room: Room, here: str) -> None:
    first, second = room.begin(here, "sleep 1000"), room.begin(here, "echo never")
    assert second.run.control is not None
    second.run.control.stop("interrupted")
    assert (await second.end())["cause"] == "interrupted"
    assert second.bytes("stdout") == b""
    await room.commands.interrupt(first.run.id)
    assert await room.say(here, "echo on") == ("on\n", "", 0)


# ── the end of a shell ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 4", 4), ("exec sh -c 'exit 5'", 5), ("set -e; false; echo no", 1), ("kill -9 $$", "signaled")],
)
async def test_a_shell_that_ends_is_followed_by_a_fresh_one_that_says_so(
    room: Room, here: str, command: str, code: object
) -> None:
    await room.say(here, "A=1")
    assert await room.say(here, f"echo before; {command}") == ("before\n", "", code)
    watched = room.begin(here, "echo $A.")
    await watched.end()
    assert (watched.events[1]["type"], watched.events[1]["text"]) == ("status", "restarted")
    assert watched.bytes("stdout") == b".\n"
    assert await room.say(here, "echo $A.") == (".\n", "", 0)


async def test_what_a_shell_leaves_behind_goes_on_after_its_exit(room: Room, here: str) -> None:
    out, _, code = await room.say(here, "sleep 1000 & echo $!; exit 2")
    assert code == 2
    assert alive(int(out))
    kill(int(out))


# ── stopping ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BUSY = {
    "a program": "sleep 1000; echo after",
    "a function": "f() { sleep 1000; echo inside; }; f; echo after\necho next line",
    "the shell itself": "while :; do :; done",
    "a pipeline": "sleep 1000 | sleep 1000",
    "a subshell": "(while :; do sleep 1000; done)",
    "a substitution": "X=$(sleep 1000); echo after",
    "wait": "sleep 1000 & wait; echo after",
    "read": "mkfifo p; read x <>p; echo after",
    "stopped": "kill -STOP $$; sleep 1000",
    "a loop of programs": "while :; do /bin/true; done",
    "told twice": "trap 'echo; echo >&2' USR1; sleep 1000",
    "deaf to INT": "sh -c 'trap \"\" INT; sleep 1000'",
    "deaf to everything": "sh -c 'trap \"\" INT TERM; while :; do sleep 1000; done'",
}


@pytest.mark.parametrize("command", BUSY.values(), ids=BUSY)
async def test_a_stopped_run_leaves_the_session_as_it_was(room: Room, here: str, command: str) -> None:
    await room.say(here, "A=1; sleep 1000 & JOB=$!")
    watched = room.begin(here, f"echo begun; {command}", timeout=100)
    end = await watched.end()
    assert (end["cause"], end["code"]) == ("timed_out", "EXECUTION_TIMEOUT")
    # Bash says of a program that was terminated, or killed, that it was.
    said = watched.bytes("stderr").replace(b"Terminated\n", b"").replace(b"Killed\n", b"")
    assert (watched.bytes("stdout"), said) == (b"begun\n", b"")
    assert await room.say(here, "echo $A; kill -0 $JOB && pgrep -cP $$") == ("1\n1\n", "", 0)


async def test_what_a_run_detached_a_moment_before_is_not_of_the_next(room: Room, here: str) -> None:
    for _ in range(5):
        out, _, _ = await room.say(here, "(setsid sleep 1000 >/dev/null 2>&1 & echo $!)")
        await room.say(here, "sleep 1000", timeout=1)
        assert alive(int(out))
        kill(int(out))


_HEARING = "import signal, time; signal.signal(2, signal.SIG_DFL); open('up', 'w').close(); time.sleep(1000)"


async def test_an_earlier_program_that_hears_interrupts_hears_none_of_the_next_run(room: Room, here: str) -> None:
    start = f'mkfifo up; (python3 -c "{_HEARING}" >/dev/null 2>&1 & echo $!; read <up)'
    out, _, _ = await room.say(here, start)
    watched = room.begin(here, "sleep 1000 | sleep 1000", timeout=100)
    assert (await watched.end())["cause"] == "timed_out"
    assert alive(int(out))
    kill(int(out))
    assert await room.say(here, "echo on") == ("on\n", "", 0)


async def test_a_shell_that_does_not_come_back_is_replaced(room: Room, here: str) -> None:
    watched = room.begin(here, "trap '' INT; echo begun; while :; do :; done", timeout=100)
    assert (await watched.end())["cause"] == "timed_out"
    after = room.begin(here, "echo on")
    await after.end()
    assert (after.events[1]["text"], after.bytes("stdout")) == ("restarted", b"on\n")


async def test_a_trap_of_the_users_own_for_int_is_run(room: Room, here: str) -> None:
    await room.say(here, "trap 'echo trapped' INT")
    watched = room.begin(here, "echo begun; sleep 1000")
    assert await watched.word() == "begun\n"
    await room.commands.interrupt(watched.run.id)
    await watched.end()
    assert watched.run.end is not None
    assert watched.run.end.cause == "interrupted"
    assert b"trapped\n" in watched.bytes("stdout")
    assert (await room.say(here, "trap - INT; echo on"))[0].endswith("on\n")


async def test_a_signal_by_name_reaches_what_runs(room: Room, here: str) -> None:
    watched = room.begin(here, "echo begun; sleep 1000; echo after")
    assert await watched.word() == "begun\n"
    assert watched.run.control is not None
    # Bash loses an interrupt that comes while it starts a program, as it does in a terminal.
    pid = watched.run.pid or 0
    await until(lambda: any(Path(f"/proc/{child}/comm").read_text() == "sleep\n" for child in children(pid)))
    watched.run.control.send_signal("SIGINT")
    assert (await watched.end())["cause"] == "interrupted"
    assert await room.say(here, "echo on") == ("on\n", "", 0)


async def test_a_shell_that_interrupts_itself_ends_its_run(room: Room, here: str) -> None:
    assert (await room.say(here, "A=1; kill -INT $$; sleep 1000"))[2] == 130
    assert (await room.say(here, "echo $A"))[0] == "1\n"


@pytest.mark.slow
async def test_interrupts_at_any_moment_never_hit_the_next_run(room: Room, here: str) -> None:
    for at in range(30):
        watched = room.begin(here, "sleep 0.001")
        await asyncio.sleep(at * 0.0002)
        if watched.run.control is not None:
            watched.run.control.stop("interrupted")
        await watched.end()
        assert await room.say(here, f"echo {at}") == (f"{at}\n", "", 0)


@pytest.mark.slow
async def test_interrupts_at_any_moment_leave_the_shell(room: Room, here: str) -> None:
    await room.say(here, "A=1; trap 'D=1' DEBUG; set -x")
    for at in range(30):
        watched = room.begin(here, "sleep 1000")
        await asyncio.sleep(at * 0.0002)
        if watched.run.control is not None:
            watched.run.control.stop("interrupted")
        await watched.end()
        out, err, _ = await room.say(here, "echo $A")
        assert (at, out, err) == (at, "1\n", "++++ D=1\n+++ echo 1\n")


# ── its start and its end ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_start_that_is_repeated_finds_its_session(room: Room) -> None:
    asked = {"session_id": "mine", "envs": {"A": "1"}}
    first = asyncio.ensure_future(room.session(**asked))
    assert await room.session(**asked) == await first == "mine"
    with pytest.raises(ExecutionConflict):
        await room.session(session_id="mine")
    await room.say("mine", "A=2")
    await room.session(**asked)
    assert await room.say("mine", "echo $A") == ("2\n", "", 0)
    await room.sessions.delete("mine")
    assert await room.say(await room.session(**asked), "echo $A") == ("1\n", "", 0)


async def test_a_start_whose_caller_has_left_is_found_by_the_next(room: Room) -> None:
    left = asyncio.ensure_future(room.session(session_id="mine"))
    await asyncio.sleep(0)
    left.cancel()
    assert await room.say(await room.session(session_id="mine"), "echo on") == ("on\n", "", 0)


async def test_a_shell_that_does_not_start_leaves_no_session(tmp_path: Path) -> None:
    room = Room(str(tmp_path), max_sessions=1, environment={"A": "x" * 200_000})
    for _ in range(2):
        with pytest.raises(InternalFault):
            await room.session(session_id="mine")
    assert own_zombies() == []


async def test_sessions_are_limited(tmp_path: Path) -> None:
    room = Room(str(tmp_path), max_sessions=1)
    here = await room.session()
    with pytest.raises(LimitReached):
        await room.session()
    await room.sessions.delete(here)
    await room.sessions.delete(await room.session())


async def test_sessions_give_back_every_descriptor(room: Room) -> None:
    await room.sessions.delete(await room.session())
    before = descriptors()
    for _ in range(5):
        here = await room.session()
        await room.say(here, "exit")
        await room.say(here, "sleep 1000", timeout=20)
        await room.sessions.delete(here)
    assert descriptors() == before
