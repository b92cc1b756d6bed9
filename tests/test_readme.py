"""The README's programs run as they stand there, and say what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from packages.sdk.tests.conftest import RunningDaemon, execd

__all__ = ["execd"]

ROOT = Path(__file__).resolve().parent.parent
DEVELOPER, CI = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run(program: str, *, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        # A socket's path is short, and that of a test's place may not be.
        env={**os.environ, "HOME": str(place), "XDG_RUNTIME_DIR": "/tmp", **environment},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )


@pytest.mark.slow
def test_the_developers_program_says_what_it_promises(tmp_path: Path) -> None:
    done = run(DEVELOPER, place=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, metrics = done.stdout.splitlines()
    assert lines[:6] == ["0 hello", " oops", "1", "2", "3", "COMMAND_FAILED 3"]
    assert lines[6:10] == ["True training ada", "", "hello from src", ""]
    assert lines[10] == "42 ['hi'] None"
    (found,) = lines[11:]
    assert re.fullmatch(r"some text \['/.*/data/in\.txt'\]", found)
    assert re.fullmatch(r"[\d.]+ % of [\d.]+ CPUs, [\d.]+ % of memory", metrics)


@pytest.mark.parametrize("code", [0, 3])
def test_the_program_for_ci_ends_as_its_suite_does(execd: RunningDaemon, tmp_path: Path, code: int) -> None:
    suite = tmp_path / "run-tests"
    suite.write_text(f"#!/bin/sh\necho running\necho '<report/>' >report.xml\nexit {code}\n")
    suite.chmod(0o755)
    with tarfile.open(tmp_path / "tests.tar", "w") as tar:
        tar.add(suite, arcname="run-tests")
    done = run(CI, place=tmp_path, EXECD_ENDPOINT=execd.url, EXECD_ACCESS_TOKEN=execd.token)
    assert (done.returncode, done.stdout, done.stderr) == (code, "running\n", "")
    assert (tmp_path / "report.xml").read_text() == "<report/>\n"
