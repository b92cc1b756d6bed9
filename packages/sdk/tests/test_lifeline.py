"""A client that dies leaves nothing behind, whatever its forks do. By hand: each client is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import opensandbox

from .worlds import command_line, descendants, wait_until_gone

CLIENT = """
import os, sys, time
from opensandbox import SandboxSync
with SandboxSync.local() as sandbox:
    if "fork" in sys.argv and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    for line in sandbox.commands.run_stream("echo $$; sleep 1000"):
        print(line, flush=True)
"""


@pytest.mark.parametrize("arguments", [[], ["fork"]])
def test_a_killed_client_leaves_no_daemon_and_no_command(arguments: list[str]) -> None:
    source = Path(opensandbox.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, *arguments],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as client:
        assert client.stdout is not None
        command = int(client.stdout.readline())
        daemons = [pid for pid in descendants(client.pid) if " execd " in command_line(pid)]
        assert daemons
        client.kill()
        wait_until_gone([command, *daemons])
        if arguments:
            os.killpg(client.pid, signal.SIGKILL)
