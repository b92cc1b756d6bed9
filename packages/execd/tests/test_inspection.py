"""`execd kernels` and `execd doctor`, as whoever runs a daemon types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 60


def execd(*argv: str, path: str = "", home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a subcommand, with some directory first on PATH."""
    environment = {**os.environ, "PATH": f"{path}:{Path(sys.executable).parent}:{os.defpath}"}
    if home is not None:
        environment["HOME"] = str(home)
    command = [sys.executable, "-m", "execd", *argv]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def program(directory: Path, name: str, text: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)
    (directory / name).chmod(0o755)


def kernelspec(home: Path, name: str, **told: Any) -> None:
    place = home / ".local" / "share" / "jupyter" / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"argv": ["python3"], "language": "bash", **told}))


def test_kernels_lists_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    said = execd("kernels", "--kernels-dir", str(tmp_path))
    lines = [line.split() for line in said.stdout.splitlines()]
    assert said.returncode == 0
    assert lines[0] == ["LANGUAGE", "KERNEL", "VERSION", "SERVES", "PROGRAM"]
    assert [(line[0], line[1], line[3]) for line in lines[1:3]] == [
        ("python", "ipykernel", "yes"),
        ("bash", "bash", "yes"),
    ]
    lacking = [line for line in said.stdout.splitlines() if line.startswith("no kernel")]
    for language in ("java", "typescript", "go"):
        assert any(language in line and "execd kernels install" in line for line in lacking)


def test_kernels_answers_as_json_and_by_the_settings(tmp_path: Path) -> None:
    kernelspec(tmp_path, "other", argv=["cat", "{connection_file}"])
    kernelspec(tmp_path, "broken", argv="cat")
    flags = ("--json", "--kernels", "sh=other,python=none", "--kernels-dir", str(tmp_path / "none"))
    told = json.loads(execd("kernels", *flags, home=tmp_path).stdout)
    bash = [(kernel["kernel"], kernel["serves"]) for kernel in told["kernels"] if kernel["language"] == "bash"]
    assert bash[:2] == [("other", True), ("bash", False)]
    assert {"other", "broken"} <= set(told["kernelspecs"])
    assert "java" in told["missing"]
    assert told["absent"] == ["python=none"]


def test_kernels_says_which_preferred_ones_are_not_there(tmp_path: Path) -> None:
    kernelspec(tmp_path, "gone", argv=["/no/such/program", "{connection_file}"])
    said = execd("kernels", "--kernels", "python=gone,bash=none", home=tmp_path)
    assert "preferred, but not there: python=gone, bash=none" in said.stdout.splitlines()


@pytest.mark.parametrize("argv", [("kernels", "--kernels", "cobol=x"), ("doctor", "python")])
def test_what_makes_no_sense_is_refused_in_one_line(argv: tuple[str, ...]) -> None:
    said = execd(*argv)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert said.stderr.startswith("execd: ")


@pytest.mark.slow
def test_doctor_starts_each_kernel_and_tries_it(tmp_path: Path) -> None:
    said = execd("doctor", "--kernels-dir", str(tmp_path))
    asked = [line.split()[0] for line in said.stdout.splitlines()]
    each = ["start", "result", "error", "interrupt"]
    assert (said.returncode, asked[:10]) == (0, ["python", *each, "bash", *each])
    assert said.stdout.count(" well ") * 5 == len(asked) * 4


@pytest.mark.slow
def test_doctor_tells_the_last_words_of_a_kernel_that_does_not_start(tmp_path: Path) -> None:
    program(
        tmp_path / "bin",
        "bash",
        '#!/bin/sh\ncase "$1" in --no*) echo no luck >&2; exit 7;; esac\nexec /bin/bash "$@"\n',
    )
    said = execd("doctor", "--json", path=str(tmp_path / "bin"))
    told = {kernel["kernel"]: kernel["findings"] for kernel in json.loads(said.stdout)["kernels"]}
    assert said.returncode == 1
    (start,) = told["bash"]
    assert (start["question"], "no luck" in start["complaint"]) == ("start", True)
    assert [finding["complaint"] for finding in told["ipykernel"]] == [None] * 4
