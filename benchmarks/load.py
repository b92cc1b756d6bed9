"""What a daemon is kept busy with: each thing checks its own result."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from opensandbox import Sandbox
from opensandbox.exceptions import CommandFailedException

_SIGNALS: Final = ("HUP", "INT", "KILL", "USR1", "SEGV", "PIPE", "TERM", "ABRT")
_chance: Final = random.Random()  # noqa: S311 - nothing here is a secret
_DATA: Final = _chance.randbytes(1_000_000)


async def succeed(sandbox: Sandbox) -> None:
    """Run the smallest command."""
    assert (await sandbox.commands.run("true")).exit_code == 0


async def fail(sandbox: Sandbox) -> None:
    """Run one that fails."""
    code = None
    try:
        await sandbox.commands.run("echo no >&2; exit 7")
    except CommandFailedException as error:
        code = error.error.details["exit_code"]
    assert code == 7


async def print_much(sandbox: Sandbox) -> None:
    """Print 4 MB in lines, and count them."""
    execution = await sandbox.commands.run("seq 1 600000")
    assert len(execution.stdout_bytes) == 4_088_895


async def feed(sandbox: Sandbox) -> None:
    """Send standard input through a program."""
    assert (await sandbox.commands.run("sort -n", stdin="3\n1\n2\n")).stdout == "1\n2\n3\n"


async def run_out_of_time(sandbox: Sandbox) -> None:
    """Let a command with children time out."""
    execution = await sandbox.commands.run("sleep 60 & sleep 60", timeout=0.3, check=False)
    assert execution.cause == "timed_out", execution


async def cancel(sandbox: Sandbox) -> None:
    """Cancel a command while it prints."""
    try:
        async with asyncio.timeout(0.3):
            await sandbox.commands.run("trap '' TERM; while :; do echo x; sleep 0.01; done")
    except TimeoutError:
        return
    raise AssertionError("an endless command ended")


async def leave(sandbox: Sandbox) -> None:
    """Leave a stream in the middle."""
    async with sandbox.commands.run_stream("yes") as lines:
        async for _ in lines:
            break


async def end_anyhow(sandbox: Sandbox) -> None:
    """End with any code, or by any signal, after any output."""
    size, code, name = _chance.randrange(100_000), _chance.randrange(256), _chance.choice(_SIGNALS)
    ends = {f"exit {code}": (code, None), f"kill -{name} $$; sleep 9": (None, f"SIG{name}")}
    end, wanted = _chance.choice(list(ends.items()))
    execution = await sandbox.commands.run(f"head -c {size} /dev/zero; {end}", check=False)
    assert (execution.exit_code, execution.signal, len(execution.stdout_bytes)) == (*wanted, size), execution


async def pass_through(sandbox: Sandbox) -> None:
    """Send a megabyte through a program while it comes back."""
    assert (await sandbox.commands.run("cat", stdin=_DATA)).stdout_bytes == _DATA


async def go_on(sandbox: Sandbox) -> None:
    """Talk to a command in the background, follow it and read its log."""
    session = await sandbox.commands.run_background("cat; echo end >&2", stdin="pipe")
    for number in range(3):
        await sandbox.commands.write_stdin(session, f"{number}\n" * 1000)
    await sandbox.commands.close_stdin(session)
    lines = [line.text async for line in sandbox.commands.attach(session)]
    output = await sandbox.commands.get_output(session)
    assert len(lines) == 3001, len(lines)
    assert (output.stdout, output.stderr) == ("0\n" * 1000 + "1\n" * 1000 + "2\n" * 1000, "end\n")


async def keep_shell(sandbox: Sandbox) -> None:
    """Let a shell remember, start something in it, and leave it behind."""
    async with sandbox.commands.session() as shell:
        await shell.run("x=1; cd /; sleep 60 &")
        assert (await shell.run("x=$((x + 1)); echo $x $PWD")).stdout == "2 /\n"


LOAD: Final[tuple[Callable[[Sandbox], Awaitable[None]], ...]] = (
    succeed,
    fail,
    feed,
    print_much,
    end_anyhow,
    pass_through,
    go_on,
    keep_shell,
    end_anyhow,
    run_out_of_time,
    cancel,
    leave,
)
