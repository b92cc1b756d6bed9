"""A walk through what works today, on real processes and real sockets: `python3 noxfile.py -s demo`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

from code_interpreter import CodeInterpreter, SupportedLanguage
from opensandbox import Sandbox
from opensandbox.exceptions import CommandFailedException, KernelDiedException

CUT_EVERY = 1_000_000
TICKER = """
while read -r -t 0.05 word || [ $? -gt 128 ]; do
    echo "tick $((++n))${word:+, and somebody says $word}"
done
echo "standard input has ended"; exit 7
"""
FIGURE = """
import struct, zlib
from IPython.display import Image

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

rows = b"".join(b"\\0" + bytes(min(255, 20 * price) for price in prices for _ in range(20)) for _ in range(40))
size = struct.pack(">IIBBBBB", 20 * len(prices), 40, 8, 0, 0, 0, 0)
Image(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
"""


def scene(title: str) -> None:
    """Print a heading."""
    print(f"\n── {title} " + "─" * max(0, 76 - len(title)), flush=True)


async def live_output(sandbox: Sandbox) -> None:
    """Lines arrive while the command runs."""
    scene("Output arrives while the command runs")
    begin = time.monotonic()
    async with sandbox.commands.run_stream("for i in 1 2 3; do echo step $i; sleep 0.3; done; echo oops >&2") as lines:
        async for line in lines:
            print(f"  {time.monotonic() - begin:4.1f} s  {line.stream}: {line.text}")


async def exit_codes(sandbox: Sandbox) -> None:
    """A failure is an exception that says everything; `check=False` looks instead."""
    scene("An exit code, and the error that it is")
    try:
        await sandbox.commands.run("ls /no/such/place")
    except CommandFailedException as error:
        said = error.execution.stderr.strip() if error.execution else ""
        print(f"  {type(error).__name__}: code {error.error.code}, exit code {error.error.details['exit_code']}")
        print(f"  its stderr: {said}")
    execution = await sandbox.commands.run("kill -SEGV $$", check=False)
    print(
        f"  and a crash, looked at: cause {execution.cause}, signal {execution.signal}, exit code {execution.exit_code}"
    )


async def cancel(sandbox: Sandbox) -> None:
    """Cancelling the task ends the program in the sandbox, children included."""
    scene("Cancel here, and it is gone there")
    task = asyncio.create_task(sandbox.commands.run("echo $$ > pid; sleep 3600 & sleep 3600"))
    while not (await sandbox.commands.run("cat pid 2>/dev/null", check=False)).stdout.strip():
        await asyncio.sleep(0.02)
    group = (await sandbox.commands.run("cat pid")).stdout.strip()
    print(f"  running: process group {group}, members {await members(sandbox, group)}")
    begin = time.monotonic()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    print(f"  cancelled in {time.monotonic() - begin:.2f} s; members left: {await members(sandbox, group)}")


async def members(sandbox: Sandbox, group: str) -> int:
    """Count the live processes of a group, as the kernel sees them."""
    script = f"cat /proc/[0-9]*/stat 2>/dev/null | awk '$5 == {group} && $3 != \"Z\"' | wc -l"
    return int((await sandbox.commands.run(script)).stdout)


async def background(sandbox: Sandbox) -> None:
    """A background command needs nobody: read what is new, write to it, ask how it ended."""
    scene("A command that goes on by itself")
    session = await sandbox.commands.run_background(TICKER, stdin="pipe")
    output = await sandbox.commands.get_output(session)
    while "tick 2" not in output.stdout:
        await asyncio.sleep(0.02)
        output = await sandbox.commands.get_output(session)
    running = [command.id for command in await sandbox.commands.list(running=True)]
    print(f"  listed as running: {session.id in running}; so far {output.stdout.splitlines()[-2:]}")
    await sandbox.commands.write_stdin(session, "hello\n")
    await sandbox.commands.close_stdin(session)
    status = await sandbox.commands.wait(session)
    new = await sandbox.commands.get_output(session, cursor=output.cursor)
    print(f"  new since then: {new.stdout.splitlines()[-2:]}")
    print(f"  its end: {status.cause}, exit code {status.exit_code}")
    if "hello" not in new.stdout or status.exit_code != 7:
        sys.exit("the demo's own check failed")


async def shell(sandbox: Sandbox) -> None:
    """A session is one live shell; a command that is stopped leaves it as it was."""
    scene("A shell that remembers")
    async with sandbox.commands.session() as session:
        await session.run("mkdir -p src; cd src; greet() { echo \"hello from ${PWD##*/}, $1\"; }; name='A  B'")
        greeted = await session.run('greet "$name"')
        print(f"  {greeted.stdout.strip()}")
        begin = time.monotonic()
        stopped = await session.run("sleep 3600", timeout=0.2, check=False)
        print(f"  sleep 3600: {stopped.cause} after {time.monotonic() - begin:.1f} s; and still ", end="")
        print((await session.run('greet "$name"')).stdout.strip())


async def cells(sandbox: Sandbox) -> None:
    """Code keeps its state from cell to cell; what it raises is data."""
    scene("Cells that keep their state, and an error that is data")
    interpreter = await CodeInterpreter.create(sandbox)
    context = await interpreter.codes.create_context(SupportedLanguage.PYTHON)
    await interpreter.codes.run("prices = [3, 4, 12]", context_id=context.context_id)
    total = await interpreter.codes.run("print('adding up'); sum(prices)", context_id=context.context_id)
    print(f"  result {total.text}, printed {total.logs.stdout}, cell number {total.execution_count}")
    if total.text != "19":
        sys.exit("the demo's own check failed")
    failed = await interpreter.codes.run("prices[7]", context_id=context.context_id)
    assert failed.error
    print(f"  {failed.error.name}: {failed.error.value}; and the state is still there: ", end="")
    print((await interpreter.codes.run("prices", context_id=context.context_id)).text)
    figure = (await interpreter.codes.run(FIGURE, context_id=context.context_id)).result[0]
    print(f"  a figure: {len(figure.png or b'')} bytes, {(figure.png or b'')[1:4].decode()}, {size_of_png(figure.png)}")
    try:
        await interpreter.codes.run("import os; os.kill(os.getpid(), 9)", context_id=context.context_id)
    except KernelDiedException as error:
        print(f"  {type(error).__name__}: {error}; state lost: {error.state_lost}")
    await interpreter.codes.delete_context(context.context_id)
    await interpreter.codes.run("sum() { local n=0 x; for x; do ((n += x)); done; echo $n; }", language="bash")
    summed = await interpreter.codes.run("sum 3 4 12; ls /no/such/place", language="bash")
    assert summed.error
    print(f"  in Bash: {summed.stdout.strip()}; and the last command's exit status is data, too: {summed.error.value}")


def size_of_png(png: bytes | None) -> str:
    """Return what a PNG says of its size."""
    width, height = struct.unpack(">II", (png or bytes(24))[16:24])
    return f"{width} by {height} pixels"


async def files(sandbox: Sandbox) -> None:
    """Bytes and modes come back as they went."""
    scene("A file, there and back")
    content = secrets.token_bytes(5_000_000)
    await sandbox.files.write_file("data/random.bin", content)
    await sandbox.files.write_file("data/run.sh", "#!/bin/sh\ncksum random.bin\n", mode=0o755)
    same = await sandbox.files.read_file("data/random.bin", binary=True) == content
    print(f"  {len(content):,} bytes written and read: {'the same' if same else 'NOT THE SAME'}")
    print(f"  run in the sandbox: {(await sandbox.commands.run('./run.sh', working_dir='data')).stdout.strip()}")
    info = await sandbox.files.get_info("data/run.sh")
    print(
        f"  {info.name}: {info.size} bytes, mode {oct(info.mode)}, owner {info.owner}, modified {info.mtime:%H:%M:%S}"
    )
    try:
        await sandbox.files.read_file("data/missing")
    except FileNotFoundError as error:
        print(f"  {type(error).__name__}: {error}")
    if not same:
        sys.exit("the demo's own check failed")


async def metrics(sandbox: Sandbox) -> None:
    """What the sandbox uses, of what it may use."""
    scene("What it costs")
    async for now in sandbox.watch_metrics(interval=0.3):
        print(
            f"  CPU {now.cpu_percent:.0f} % of {now.cpu_count:g}, memory {now.memory_used_in_mib:.0f} of "
            f"{now.memory_total_in_mib:.0f} MiB ({now.memory_percent:.0f} %), {now.pids} processes and threads"
        )
        break


async def resume() -> None:
    """A proxy cuts the connection again and again; the result is byte for byte the same."""
    scene("A connection that is cut, again and again")
    command = "seq 1 1500000"
    with daemon() as (url, token):
        async with cutting_proxy(url) as (proxied, cuts), await Sandbox.connect(proxied, access_token=token) as sandbox:
            execution = await sandbox.commands.run(command)
    expected = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    same = "the same bytes as an uncut run" if execution.stdout_bytes == expected else "NOT THE SAME BYTES"
    print(f"  {len(execution.stdout_bytes):,} bytes through {len(cuts)} cuts: {same}; exit code {execution.exit_code}")
    if execution.stdout_bytes != expected or not cuts:
        sys.exit("the demo's own check failed")


@contextlib.contextmanager
def daemon() -> Iterator[tuple[str, str]]:
    """Start `execd` the way an operator does, and end it."""
    token = secrets.token_urlsafe(16)
    command = [sys.executable, "-m", "execd", "serve", "--host", "127.0.0.1", "--port", "0", "--log-level", "error"]
    environment = {**os.environ, "EXECD_ACCESS_TOKEN": token}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["url"], token
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def cutting_proxy(url: str) -> AsyncIterator[tuple[str, list[int]]]:
    """Forward to the daemon, but reset every connection after `CUT_EVERY` bytes of answer."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    cuts: list[int] = []

    async def forward(client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection(host.strip("[]"), int(port))
        upward = asyncio.create_task(copy(client_reader, server, None))
        if await copy(server_reader, client, CUT_EVERY):
            cuts.append(CUT_EVERY)
            client.transport.abort()
        upward.cancel()
        for writer in (client, server):
            writer.close()

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
    async with proxy:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", cuts


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, limit: int | None) -> bool:
    """Copy until the source ends (False) or the limit is passed (True)."""
    copied = 0
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
            copied += len(data)
            if limit is not None and copied >= limit:
                return True
    return False


async def main() -> None:
    """Play every scene in one embedded sandbox, the last one over TCP."""
    async with await Sandbox.local() as sandbox:
        print(f"A sandbox of its own: {await sandbox.version()}")
        await live_output(sandbox)
        await exit_codes(sandbox)
        await cancel(sandbox)
        await background(sandbox)
        await shell(sandbox)
        await cells(sandbox)
        await files(sandbox)
        await metrics(sandbox)
    await resume()
    print("\nAll of it was real: processes, kernels, signals, sockets. Read on in README.md.")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), 120))
