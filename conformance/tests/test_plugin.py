"""Scenarios under pytest: limits that fire, faults that are told, variants of both colours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import odd

pytestmark = pytest.mark.timeout(150)  # each starts processes, on a machine that may be busy

HEAD = """
import asyncio, os, time
from execd_conformance.broken import Broken
from execd_conformance.checks import scenario
"""


def run(folder: Path, text: str, *argv: str, answer: odd.Answer = odd.html) -> str:
    """Run a file of scenarios in a process of its own, and return what pytest said."""
    (folder / "test_it.py").write_text(HEAD + text)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p execd_conformance.plugin --strict-markers\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with odd.serving(answer) as there:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--tb=line", "-q", "--target", there.url, *argv, "test_it.py"],
            env=inherited | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=140,
            check=False,
        )
    return done.stdout


def test_a_scenario_that_waits_is_stopped_at_its_limit(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("streams", "x.y", limit_s=0.2)
async def test_waits(checks):
    await asyncio.Event().wait()
""",
    )
    assert "x.y failed: the scenario was to end within 0.2 s, and went on" in said


@pytest.mark.parametrize("raised", ["asyncio.CancelledError('leaked')", "SystemExit('leaked')"])
def test_whatever_stops_a_scenario_has_failed_it(raised: str, tmp_path: Path) -> None:
    said = run(
        tmp_path,
        f"""
@scenario("streams", "x.y")
async def test_leaks(checks):
    raise {raised}
""",
    )
    assert "leaked" in said
    assert "ChecksFailed: x.y failed: " in said


@pytest.mark.slow
def test_one_that_blocks_the_loop_is_stopped_by_an_alarm(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("streams", "x.y", limit_s=0.1)
async def test_blocks(checks):
    time.sleep(1000)
""",
    )
    assert "x.y failed: the scenario was to end within 5.1 s, and could not be stopped" in said


@pytest.mark.slow
def test_one_that_waits_again_while_it_is_stopped_is_stopped_all_the_same(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("streams", "x.y", limit_s=0.1)
async def test_clings(checks):
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.Event().wait()
""",
        "-p",
        "xdist.plugin",
        "-n",
        "1",
    )
    assert "could not be stopped" in said
    assert "1 failed" in said


def test_a_call_that_never_returns_holds_up_nobody(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
from execd_conformance.clock import in_thread
@scenario("streams", "x.y", limit_s=0.2)
async def test_calls(checks):
    await in_thread(time.sleep, 1000)
@scenario("streams", "x.y")
async def test_next(checks):
    checks.that("x.y", True)
""",
    )
    assert "1 failed, 1 passed" in said


def test_what_a_scenario_raises_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    said = run(
        tmp_path / "scenarios",
        """
@scenario("streams", "x.y")
async def test_raises(checks):
    [][0]
""",
    )
    assert "x.y failed: IndexError: list index out of range (test_it.py:8)" in said


def test_a_sandbox_that_cannot_be_opened_fails_the_scenario(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("sdk", "x.y")
async def test_opens(checks, sandbox):
    checks.that("x.y", True)
""",
        answer=odd.odd_json,
    )
    assert "2 error" in said or "2 failed" in said


def test_features_are_skipped_and_needs_left_out(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("streams", "x.y", features=["replay"])
async def test_replays(checks): ...
@scenario("streams", "x.y", needs=["start"])
async def test_starts(checks): ...
""",
        "-rs",
    )
    assert "skipped: the daemon does not announce replay" in said
    assert "left out: needs start of the target" in said


def test_a_profile_runs_its_own(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
@scenario("streams", "x.y", profiles=["compat"])
async def test_old(checks): checks.that("x.y", True)
@scenario("streams", "x.y")
async def test_new(checks): checks.that("x.y", True)
""",
        "--profile",
        "compat",
    )
    assert "1 passed, 1 deselected" in said


@pytest.mark.parametrize("argv", [["--target", "nowhere"], ["--profile", "most"]])
def test_misuse_is_told(tmp_path: Path, argv: list[str]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p execd_conformance.plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert done.returncode == 4
    assert "error" in done.stderr.lower()


@pytest.mark.slow
def test_a_language_is_looked_at_where_it_is_asked_for(tmp_path: Path) -> None:
    text = """
@scenario("code", "x.y")
async def test_speaks(checks, language):
    checks.that("x.y", language.name == "python")
"""
    here = run(tmp_path, text, "--languages", "python")
    assert "1 passed, 5 deselected" in here
    lacking = run(tmp_path, text, "--languages", "python,go")
    assert "the daemon does not serve go" in lacking
    assert "1 passed, 4 deselected, 1 error" in lacking
