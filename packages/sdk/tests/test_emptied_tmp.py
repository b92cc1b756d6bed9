"""`rm -rf /tmp/*` as a command: everything that a local sandbox had begun goes on, and everything new can begin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import pytest

PROGRAM = r"""
import os
from code_interpreter import CodeInterpreterSync
from opensandbox import SandboxSync

with SandboxSync.local() as sandbox:
    commands = sandbox.commands
    beside = commands.run_background("until [ -e go ]; do sleep 0.05; done; echo went", stdin="pipe")
    codes = CodeInterpreterSync.create(sandbox).codes
    codes.run("x = 41")
    with commands.session() as shell:
        shell.run("f() { echo f; }")
        print(commands.run("rm -rf /tmp/* /tmp/.[!.]*; ls -A /tmp | wc -l").stdout.strip())
        print(shell.run("f; cat <<E\nhere\nE").stdout.split())
        shell.run("exit 3", check=False)
        print(shell.run("echo fresh").stdout.split())
    print(codes.run("x + 1").text)
    print(codes.run("1 + 1", context_id=codes.create_context("python").context_id).text)
    print(len(commands.run("head -c 20000000 /dev/zero").stdout_bytes))
    print(commands.run("cat <<< word; echo > go").stdout.strip())
    print(commands.wait(beside).cause, commands.get_output(beside).stdout.strip())
    sandbox.files.write_file("file", "text")
    print(sandbox.files.read_file("file"))
"""
SAID = ["0", "['f', 'here']", "['fresh']", "42", "2", "20000000", "word", "exited went", "text"]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a /tmp of one's own takes root")
def test_an_emptied_temporary_directory_harms_nothing() -> None:
    # Not below the test's own place, which may be in /tmp.
    home = tempfile.mkdtemp(dir="/dev/shm")
    # What runs the test may lie in /tmp as well: then another place is the temporary directory.
    is_there = any(path.startswith("/tmp/") for path in (sys.prefix, *sys.path))
    place = "/mnt" if is_there else "/tmp"
    try:
        script, program = f'mount -t tmpfs none {place}; exec "$@"', PROGRAM.replace("/tmp", place)
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-c", program],
            env={
                **os.environ,
                "HOME": home,
                "XDG_RUNTIME_DIR": "",
                "XDG_STATE_HOME": "",
                "TMPDIR": place if is_there else "",
            },
            cwd="/",
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        shutil.rmtree(home)
    assert (done.stdout.splitlines(), done.stderr) == (SAID, "")
