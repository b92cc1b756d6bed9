"""Bash as a language: a live shell behind the same contexts."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from execd.errors import InternalFault, InvalidRequestBody

from .worlds import Follower, Told, World, alive, settles, world


class Bash:
    """A context of Bash."""

    def __init__(self, kernels: World, context: str) -> None:
        self.kernels = kernels
        self.context = context

    async def start(self, code: str, **fields: Any) -> Follower:
        """Start a cell, and follow it."""
        return await self.kernels.start(code, self.context, **fields)

    async def run(self, code: str, **fields: Any) -> Told:
        """Run a cell to its end."""
        return await self.kernels.run(code, self.context, **fields)

    async def interrupt(self) -> None:
        """Interrupt what runs."""
        await self.kernels.contexts.interrupt(self.context)


@pytest.fixture
async def bash(kernels: World) -> Bash:
    return Bash(kernels, await kernels.create(language="sh"))


def outcome(told: Told) -> tuple[str, str | None, bool]:
    """Return the cause, the status where there is one, and whether the state is lost."""
    return told.end["cause"], told.end.get("error", {}).get("evalue"), told.end["state_lost"]


async def test_variables_functions_options_and_directory_last_from_cell_to_cell(bash: Bash) -> None:
    first = await bash.run("x=1 a=(b 'c d'); f() { echo f $1; }; shopt -s extglob; alias hi='echo hi'; mkdir d; cd d")
    assert (first.types, first.end["cause"]) == (["init", "execution_count", "execution_complete"], "completed")
    told = await bash.run('f $x "${a[1]}"; echo "${a[1]}"; hi; [[ xx == +(x) ]] && pwd')
    assert told.stdout == f"f 1\nc d\nhi\n{bash.kernels.root}/d\n"
    counts = [event["execution_count"] for event in told if event["type"] == "execution_count"]
    assert counts == [2]


@pytest.mark.parametrize(
    ("code", "status"),
    [("true", None), ("false", "1"), ("(exit 3); :", None), ("no-such-program", "127"), ("if then", "2"),
     ("echo 'open", "2"), ("cat /none | cat", None), ("", None), ("# nothing", None), ("(exit 300)", "44")],
)  # fmt: skip
async def test_a_cell_ended_as_its_last_command_did(bash: Bash, code: str, status: str | None) -> None:
    told = await bash.run(code)
    if status is None:
        assert told.end["type"] == "execution_complete"
    else:
        failed = {"ename": "CommandExecError", "evalue": status, "traceback": [f"exit status {status}"]}
        assert (told.end["cause"], told.end["code"], told.end["error"]) == ("raised", "EXECUTION_FAILED", failed)


async def test_the_two_streams_are_apart_as_written_and_counted(bash: Bash) -> None:
    told = await bash.run("printf 'é\\n\\n'; echo oops >&2; printf '\\303'; sleep 0.1; printf '\\251\\377end'")
    assert (told.stdout, told.stderr) == ("é\n\né\ufffdend", "oops\n")
    assert (told.end["stdout_bytes"], told.end["stderr_bytes"]) == (len(told.stdout.encode()), 5)


async def test_output_comes_while_the_cell_runs_and_after_its_number(bash: Bash) -> None:
    for _ in range(20):
        follower = await bash.start("echo now; while [[ ! -e go ]]; do sleep 0.01; done; rm go")
        await follower.until_text("now\n")
        (bash.kernels.root / "go").touch()
        assert (await follower.ended()).types[:3] == ["init", "execution_count", "stdout"]


async def test_much_output_is_whole(bash: Bash) -> None:
    told = await bash.run("seq 100000; head -c 2000000 /dev/zero | tr '\\0' x")
    assert told.stdout == "".join(f"{number}\n" for number in range(1, 100001)) + "x" * 2_000_000


@pytest.mark.parametrize(
    "code", ["sleep 60", "while :; do :; done", "sleep 60 | cat", "f() { sleep 60; }; f", "read < <(sleep 60)"]
)
async def test_an_interrupt_keeps_the_shell(bash: Bash, code: str) -> None:
    follower = await bash.start(f"y=5; echo go; {code}")
    await follower.until("stdout")
    await bash.interrupt()
    told = await follower.ended()
    assert (told.end["cause"], told.end["error"]["ename"]) == ("interrupted", "KeyboardInterrupt")
    assert (told.stdout, told.end["state_lost"]) == ("go\n", False)
    assert (await bash.run("echo $y")).stdout == "5\n"


async def test_a_program_that_does_not_heed_an_interrupt_is_ended_and_the_shell_kept(bash: Bash) -> None:
    follower = await bash.start("y=6; bash -c 'trap \"\" INT TERM; echo $$; sleep 60; sleep 60'")
    await follower.until("stdout")
    await bash.interrupt()
    told = await follower.ended()
    assert (told.end["cause"], told.end["state_lost"]) == ("interrupted", False)
    assert not alive(int(told.stdout))
    assert (await bash.run("echo $y")).stdout == "6\n"


async def test_a_cell_that_takes_too_long_leaves_the_shell_and_earlier_jobs(bash: Bash) -> None:
    job = int((await bash.run("z=7; sleep 60 & echo $!")).stdout)
    told = await bash.run("sleep 60", timeout=200)
    assert outcome(told) == ("timed_out", "the cell ran longer than its timeout", False)
    assert (await bash.run("echo $z")).stdout == "7\n"
    assert alive(job)
    await bash.kernels.contexts.delete(bash.context)
    assert await settles(lambda: not alive(job))


@pytest.mark.parametrize(
    ("code", "end"),
    [("exit", ("completed", None, True)), ("exit 4", ("raised", "4", True)),
     ("exec true", ("completed", None, True)),
     ("set -e; false; echo never", ("raised", "1", True)),
     ("kill -9 $$", ("kernel_died", "the kernel was killed by SIGKILL", True))],
)  # fmt: skip
async def test_a_shell_that_leaves_ends_its_cell_and_a_fresh_one_says_so(bash: Bash, code: str, end: object) -> None:
    told = await bash.run(f"x=1; echo before; {code}")
    assert (told.stdout, outcome(told)) == ("before\n", end)
    told = await bash.run("echo ${x-gone}")
    assert (told.statuses, told.stdout) == (["restarted"], "gone\n")


async def test_a_shell_that_dies_between_cells_is_replaced(bash: Bash) -> None:
    events = bash.kernels.contexts.listen(bash.context)
    os.kill(int((await bash.run("echo $$")).stdout), signal.SIGKILL)
    await bash.kernels.hear(events, "status", text="dead")
    told = await bash.run("echo fresh")
    assert (told.statuses, told.stdout) == (["restarted"], "fresh\n")


async def test_variables_of_a_run_are_exported_for_it_alone(bash: Bash) -> None:
    await bash.run("A=1 B=2; export B; set -x 2>/dev/null")
    quotes = 'it\'s\n"$x" \\ é'
    told = await bash.run('printf "%s|" "$A" "$B" "$C"; env | grep -c ^A=', envs={"A": quotes, "B": "", "C": "3"})
    assert told.stdout == f"{quotes}||3|1\n"
    assert "__execd" not in told.stderr
    told = await bash.run("set +x; echo $A $B ${C-unset}; env | grep -E ^[ABC]=; compgen -v | grep execd_lent")
    assert told.stdout == "1 2 unset\nB=2\n"
    assert outcome(await bash.run("false", envs={"A": "1"}))[1] == "1"
    with pytest.raises(InvalidRequestBody, match="a-b"):
        await bash.run(":", envs={"a-b": "1"})


async def test_a_readonly_variable_does_not_keep_a_run_from_its_others(bash: Bash) -> None:
    await bash.run("readonly R=1; set -e")
    assert (await bash.run("echo $R $S", envs={"R": "2", "S": "3"})).stdout == "1 3\n"
    assert (await bash.run("echo $R ${S-unset}")).stdout == "1 unset\n"


async def test_jobs_between_cells_speak_on_the_stream_of_the_context(bash: Bash) -> None:
    events = bash.kernels.contexts.listen(bash.context)
    follower = await bash.start('(sleep 0.2; echo late; echo "$x" >&2) &')
    assert (await follower.ended()).types == ["init", "execution_count", "execution_complete"]
    late = await bash.kernels.hear(events, "stdout")
    assert (late["text"], late["execution_id"]) == ("late\n", follower.run.id)


async def test_cells_queue_and_a_queued_one_can_be_dropped(bash: Bash) -> None:
    first = await bash.start("sleep 0.2; echo 1")
    second = await bash.start("echo 2")
    third = await bash.start("echo 3")
    await bash.kernels.contexts.interrupt(second.run.id)
    assert (await second.ended()).end["cause"] == "interrupted"
    assert [(await each.ended()).stdout for each in (first, third)] == ["1\n", "3\n"]
    assert third.told.statuses == ["queued"]


async def test_standard_input_is_empty_and_code_may_hold_anything(bash: Bash) -> None:
    assert (await bash.run("read -r line || echo none")).stdout == "none\n"
    assert (await bash.run("cat", allow_stdin=True)).stdout == ""
    assert (await bash.run("echo 'a\0b' '\u2028' 'it\"s' # é")).stdout == 'ab \u2028 it"s\n'
    long = "x" * 300_000
    assert (await bash.run(f"echo {long}")).stdout == f"{long}\n"


async def test_a_restart_forgets_and_fifty_contexts_do_not_share(kernels: World) -> None:
    ids = await asyncio.gather(*(kernels.create(language="bash", envs={"N": str(n)}) for n in range(50)))
    await asyncio.gather(*(kernels.run("x=$N", one) for one in ids))
    told = await asyncio.gather(*(kernels.run("echo $x", one) for one in ids))
    assert [each.stdout for each in told] == [f"{n}\n" for n in range(50)]
    await kernels.contexts.restart(ids[0])
    assert (await kernels.run("echo ${x-gone}", ids[0])).stdout == "gone\n"
    await kernels.contexts.delete_all("shell")
    assert await kernels.contexts.show("bash") == []


async def test_output_beyond_its_bound_is_held_while_nobody_reads(tmp_path: Path) -> None:
    async with world(tmp_path, run_bytes=1 << 20) as kernels:
        bash = Bash(kernels, await kernels.create(language="bash"))
        follower = await bash.start("head -c 30000000 /dev/zero | tr '\\0' x; echo done")
        assert await settles(lambda: follower.run.held)
        assert follower.run.store.size < 4 << 20
        told = await follower.ended()
        assert (told.end["stdout_bytes"], told.end["truncated"], len(told.stdout)) == (30_000_005, False, 30_000_005)


async def test_a_bash_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "bash"
    broken.parent.mkdir()
    broken.write_text(
        '#!/bin/sh\n[ "$1" != -i ] && [ "$1" != --noprofile ] && exec /bin/bash "$@"\necho no luck >&2; exit 7\n'
    )
    broken.chmod(0o755)
    async with world(tmp_path, envs={"PATH": f"{broken.parent}:{os.defpath}"}) as kernels:
        with pytest.raises(InternalFault, match="no luck"):
            await kernels.create(language="bash")


async def test_what_is_called_bash_but_is_none_is_passed_over(tmp_path: Path) -> None:
    other = tmp_path / "bin" / "bash"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho 1\n")
    other.chmod(0o755)
    async with world(tmp_path, envs={"PATH": f"{other.parent}:{os.defpath}"}) as kernels:
        assert (
            (await Bash(kernels, await kernels.create(language="bash")).run("echo $BASH_VERSION")).stdout[0].isdigit()
        )
