"""The command, from its arguments to its exit status, against what it may be pointed at."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from . import odd

pytestmark = pytest.mark.timeout(150)  # each starts processes, on a machine that may be busy

LAST_LINE = re.compile(r"\d+ passed, \d+ failed, \d+ expected, \d+ skipped, \d+ errors")
SOME = "test_health,a_stream_is_server_sent_events,a_refused_start_is_no_stream"


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("EXECD_", "PYTEST_"))}
    command = [sys.executable, "-m", "execd_conformance", *argv]
    done = subprocess.run(
        command, env=inherited | environ, capture_output=True, text=True, timeout=140, check=False, cwd="/"
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stderr
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    line = done.stdout.splitlines()[-1]
    assert LAST_LINE.fullmatch(line)
    return {word: int(number) for number, word in (part.split() for part in line.split(", "))}


@pytest.mark.parametrize(
    "answer", [odd.html, odd.not_found, odd.garbage, odd.odd_json, odd.half, odd.bare_json], ids=lambda f: f.__name__
)
def test_whatever_answers_is_judged(answer: odd.Answer) -> None:
    with odd.serving(answer) as there:
        done = run("--target", there.url, "--only", SOME)
    assert done.returncode == 1
    counts = last_line(done)
    assert counts["failed"] > 0
    assert counts["errors"] == 0


@pytest.mark.parametrize("answer", [odd.resets, odd.no_http], ids=lambda f: f.__name__)
def test_what_speaks_no_http_is_unreachable(answer: odd.Answer) -> None:
    with odd.serving(answer) as there:
        done = run("--target", there.url)
    assert done.returncode == 2
    assert re.fullmatch(r"execd-conformance: no daemon answers at http://.*\n", done.stderr)


def test_one_that_wants_a_token_is_told_apart() -> None:
    with odd.serving(odd.closed) as there:
        assert "wants a token: --token, or EXECD_ACCESS_TOKEN" in run("--target", there.url).stderr
        assert run("--target", there.url, "--token", "wrong", "--only", "ping_is_alive").returncode == 1


def test_a_closed_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = run("--target", f"http://127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [odd.trickles, odd.floods, odd.hangs_on_work], ids=lambda f: f.__name__)
def test_one_that_never_comes_to_an_end_does_not_hang_the_suite(answer: odd.Answer) -> None:
    with odd.serving(answer) as there:
        done = run("--target", there.url, "--only", "ping_is_alive,a_refused_start_is_no_stream")
    assert (done.returncode, last_line(done)["errors"]) == (1, 0)


def test_a_healthy_daemon_passes_and_every_report_says_so(tmp_path: Path) -> None:
    junit, document = tmp_path / "junit.xml", tmp_path / "result.json"
    done = run("--target", "local", "--only", SOME, "-n", "2", "--junit", str(junit), "--json", str(document))
    counts = last_line(done)
    assert (done.returncode, counts["failed"], counts["errors"]) == (0, 0, 0)
    assert counts["passed"] > 5
    assert json.loads(document.read_text())["totals"]["passed"] == counts["passed"]
    assert junit.read_text().count("<testcase") == counts["passed"] + counts["skipped"]


def test_an_expectation_that_is_stale_fails(tmp_path: Path) -> None:
    (check, *_) = run("--list", "--only", "test_health").stdout.split()
    stale = tmp_path / "baseline.yaml"
    stale.write_text(f"expected: [{{check: {check}, reason: It was so.}}, {{check: a/b.c, reason: Who knows.}}]")
    done = run("--target", "local", "--only", "test_health", "--baseline", str(stale))
    counts = last_line(done)
    assert (done.returncode, counts["failed"], counts["expected"], counts["errors"]) == (1, 1, 0, 1)


def test_what_is_left_out_is_listed_and_not_counted() -> None:
    with odd.serving(odd.not_found) as there:
        done = run("--target", there.url, "--only", "operation", EXECD_REQUIRE_ALL="1")
    assert "Left out, for what this target cannot give" in done.stdout
    assert last_line(done)["skipped"] == 0


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--target", "nowhere"], "is local, docker:IMAGE or http"),
        (["--target", "local", "--only", "no-such-scenario"], "no scenario is meant"),
        (["--target", "local", "--baseline", "/no/such/file"], "No such file"),
        (["--target", "local", "--execd", "/no/such/command", "--only", "test_health"], "cannot run /no/such/command"),
        (["--target", "local", "--execd", "/bin/false", "--only", "test_health"], "did not say that it is ready"),
    ],
)
def test_misuse_is_one_line_and_status_2(argv: list[str], why: str) -> None:
    done = run(*argv)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr


def test_the_list_needs_no_target() -> None:
    done = run("--list")
    assert done.returncode == 0
    assert all(re.fullmatch(r"[a-z0-9_]+/[a-z0-9.-]+", line) for line in done.stdout.splitlines())
