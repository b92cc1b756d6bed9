"""`execd kernels install`, as whoever makes a machine ready types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from execd.kernel.installing.python import PINS

LIMIT_S = 120
CONSTRAINTS = Path(__file__).resolve().parents[3] / "tools" / "constraints"


def install(*words: str, place: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "execd", "kernels", "install", *words, "--kernels-dir", str(place)]
    environment = {**os.environ, "PATH": path or f"{Path(sys.executable).parent}:{os.defpath}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_what_is_there_is_tried_and_nothing_is_made(tmp_path: Path) -> None:
    said = install("bash", "--json", place=tmp_path / "kernels")
    (told,) = json.loads(said.stdout)["languages"]
    assert (said.returncode, told["language"], told["served"], told["installed"]) == (0, "bash", True, [])
    assert [finding["question"] for finding in told["findings"]] == ["start", "result", "error", "interrupt"]
    assert not (tmp_path / "kernels").exists()


def test_one_line_tells_what_became_of_each(tmp_path: Path) -> None:
    said = install("bash", place=tmp_path)
    (line,) = said.stdout.splitlines()
    assert line.startswith("bash 5")
    assert "; was there; start, result, error, interrupt well (" in line


def test_what_makes_no_sense_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    said = install("bash", "cobol", place=tmp_path)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("execd: 'cobol' is no language: there are python, java, ")


def test_a_version_that_nobody_has_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    # Nobody who could be asked for another one is here.
    (tmp_path / "bin").mkdir()
    said = install("java@99", place=tmp_path / "kernels", path=str(tmp_path / "bin"))
    assert said.returncode == 1
    assert said.stdout.startswith("java@99: not served: JAVA_VERSION: java 99 is not installed; installed: ")


def test_a_directory_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "bin").mkdir()
    said = install("java@99", place=tmp_path / "file" / "kernels", path=str(tmp_path / "bin"))
    assert (said.returncode, "cannot be written to: Not a directory" in said.stdout) == (1, True)
    assert "  try: execd kernels install --kernels-dir DIRECTORY" in said.stdout.splitlines()


def test_what_is_installed_is_pinned_as_everything_else() -> None:
    assert PINS.read_text("utf-8") == (CONSTRAINTS / "kernel.txt").read_text("utf-8")


@pytest.mark.slow
def test_two_at_once_and_one_again_find_it_made(tmp_path: Path) -> None:
    first, second = (
        subprocess.Popen(
            [sys.executable, "-m", "execd", "kernels", "install", "java", "--json", "--kernels-dir", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    told = [json.loads(each.communicate(timeout=LIMIT_S)[0])["languages"][0] for each in (first, second)]
    assert [each["served"] for each in told] == [True, True]
    assert sorted(len(each["installed"]) for each in told) == [0, 1]
    (again,) = json.loads(install("java", "--json", place=tmp_path, path=os.environ["PATH"]).stdout)["languages"]
    assert again["installed"] == []
