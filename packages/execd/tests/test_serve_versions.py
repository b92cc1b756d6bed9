"""Versions that are chosen at the daemon's start: what commands, sessions and cells find is the one that was meant."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from .daemons import Daemon, daemon, events

LIMIT_S = 60
PATH = "/usr/local/bin:/usr/bin:/bin"


def program(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def node(home: Path, version: str) -> Path:
    """Put a Node that knows nothing but what it is."""
    place = home / ".nvm" / "versions" / "node" / f"v{version}" / "bin" / "node"
    program(place, f'[ "$1" = -p ] && echo "{version} true $0" || echo v{version}')
    return place


def python(home: Path, version: str) -> Path:
    """Put a Python that has no name but `python3`."""
    place = home / ".pyenv" / "versions" / version / "bin" / "python3"
    program(place, f'[ "$1" = -c ] && echo "{version} False $0" || echo Python {version}')
    return place


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of whoever starts daemons, of whom nothing else is known."""
    for name in (*(f"{tool}_VERSION" for tool in ("PYTHON", "JAVA", "NODE", "GO")), "PYENV_ROOT", "NVM_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", PATH)
    return tmp_path / "home"


def said(one: Daemon, command: str) -> str:
    answer = one.ask("POST", "/command", body=json.dumps({"command": command}).encode())
    return text(events(answer.body))


def text(told: list[dict[str, Any]]) -> str:
    return "\n".join(event["text"].rstrip("\n") for event in told if event["type"] == "stdout")


def refusal(*flags: str) -> str:
    command = [sys.executable, "-m", "execd", "serve", "--port", "0", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done.stderr


def test_a_variable_chooses_the_newest_that_it_leaves_open(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("98.9.9", "98.10.1", "97.0.0"):
        node(home, version)
    monkeypatch.setenv("NODE_VERSION", "98")
    with daemon(log=tmp_path / "log") as one:
        assert said(one, "node --version; type -p node") == f"v98.10.1\n{home}/.nvm/versions/node/v98.10.1/bin/node"


def test_a_flag_wins_over_the_variable(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node(home, "98.1.0")
    node(home, "97.1.0")
    monkeypatch.setenv("NODE_VERSION", "98")
    with daemon("--node-version", "v97", log=tmp_path / "log") as one:
        assert said(one, "node --version") == "v97.1.0"


def test_a_version_that_is_not_installed_is_refused_with_those_that_are(home: Path) -> None:
    node(home, "98.1.0")
    node(home, "97.2.0")
    line = refusal("--node-version", "96")
    assert line.startswith("execd: NODE_VERSION: node 96 is not installed; installed: ")
    assert "97.2.0, 98.1.0; try: execd kernels install node@96" in line


@pytest.mark.usefixtures("home")
def test_what_is_no_version_is_refused() -> None:
    assert "'newest' is no version of go" in refusal("--go-version", "newest")


def test_one_that_lacks_a_name_gets_it_by_links_that_go_with_the_daemon(home: Path, tmp_path: Path) -> None:
    python(home, "3.99.1")
    with daemon("--python-version", "3.99", log=tmp_path / "log") as one:
        assert said(one, "python --version; python3 --version") == "Python 3.99.1\nPython 3.99.1"
        links = Path(said(one, "type -p python")).parent
        assert links.stat().st_mode & 0o005 == 0o005
        one.terminate()
        one.wait()
    assert not links.exists()


def test_a_python_without_a_kernel_runs_no_cells_and_says_how_to_get_it(home: Path, tmp_path: Path) -> None:
    real = python(home, "3.99.1")
    answer = json.dumps({"language": "3.99.1", "kernel": None, "searched": []})
    program(real, f'[ "$1" = -c ] && echo "3.99.1 False $0" || echo \'{answer}\'')
    with daemon("--python-version", "3.99", log=tmp_path / "log") as one:
        told = one.ask("POST", "/code", body=json.dumps({"code": "1", "context": {"language": "python"}}).encode())
    assert told.status == 400
    assert "has no ipykernel: execd kernels install python@3.99.1" in told.json["message"]


@pytest.mark.usefixtures("home")
def test_what_was_installed_stands_in_for_what_path_does_not_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    tmp_path.joinpath("bin").mkdir()
    place = tmp_path / "kernels" / "toolchains" / "node-98.1.0" / "bin" / "node"
    program(place, '[ "$1" = -p ] && echo "98.1.0 true $0" || echo v98.1.0')
    with daemon("--kernels-dir", str(tmp_path / "kernels"), log=tmp_path / "log") as one:
        assert said(one, "node --version") == "v98.1.0"


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_cells_and_commands_run_in_the_same_python(tmp_path: Path) -> None:
    version = platform.python_version()
    place = tmp_path / "kernels" / "toolchains" / f"python-{version}"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=LIMIT_S)
    packages = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + os.linesep)
    with daemon("--kernels-dir", str(tmp_path / "kernels"), "--python-version", version, log=tmp_path / "log") as one:
        body = {"code": "import sys; print(sys.prefix)", "context": {"language": "python"}}
        # A kernel sends what is printed in parts at times: the end of a line by itself is one of them.
        cell = text(events(one.ask("POST", "/code", body=json.dumps(body).encode()).body)).strip()
        command = said(one, "python -c 'import sys; print(sys.prefix)'")
    assert cell == command == str(place)


@pytest.mark.slow
@pytest.mark.timeout(5 * LIMIT_S)
@pytest.mark.usefixtures("home")
def test_cells_and_commands_run_in_each_java_that_is_installed(tmp_path: Path) -> None:
    place = ("--kernels-dir", str(tmp_path / "kernels"))
    told = subprocess.run(
        [sys.executable, "-m", "execd", "kernels", "--json", *place], capture_output=True, check=True, timeout=LIMIT_S
    )
    for version in json.loads(told.stdout)["versions"]["java"]:
        command = [sys.executable, "-m", "execd", "kernels", "install", f"java@{version}", *place]
        subprocess.run(command, check=True, timeout=2 * LIMIT_S)
        with daemon(*place, "--java-version", version, log=tmp_path / "log") as one:
            body = {"code": 'System.getProperty("java.home")', "context": {"language": "java"}}
            events_of_cell = events(one.ask("POST", "/code", body=json.dumps(body).encode()).body)
            (cell,) = (event["results"]["text"] for event in events_of_cell if event["type"] == "result")
            assert said(one, "readlink -f $JAVA_HOME; dirname $(dirname $(readlink -f $(type -p java)))") == (
                f"{cell}\n{cell}"
            )
