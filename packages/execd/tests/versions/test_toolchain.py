"""Installed versions: found wherever tools put them, and told once each, with what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from execd.versions.places import Tool

from .machines import Machine

ELSEWHERE: list[tuple[Tool, str]] = [
    ("python", "/home/u/.pyenv/versions/{}/bin"),
    ("python", "/home/u/.local/share/uv/python/cpython-{}-linux/bin"),
    ("python", "/opt/python/versions/cpython-{}/bin"),
    ("python", "/opt/python{}/bin"),
    ("node", "/home/u/.nvm/versions/node/v{}/bin"),
    ("node", "/usr/local/lib/nodejs/node-v{}-linux-x64/bin"),
    ("node", "/opt/node/{}/bin"),
    ("java", "/usr/lib/jvm/java-{}-openjdk-amd64/bin"),
    ("java", "/home/u/.sdkman/candidates/java/{}-tem/bin"),
    ("java", "/opt/jdk-{}/bin"),
    ("go", "/usr/local/go{}/bin"),
    ("go", "/usr/lib/go-{}/bin"),
    ("go", "/home/u/sdk/go{}/bin"),
    ("go", "/home/u/go/pkg/mod/golang.org/toolchain@v0.0.1-go{}.linux-amd64/bin"),
    ("go", "/opt/go/{}/bin"),
]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(("tool", "directory"), ELSEWHERE)
def test_a_version_is_found_where_its_tool_puts_it(machine: Machine, tool: Tool, directory: str) -> None:
    put(machine, tool, directory.format("9.8.7"), "9.8.7")
    assert machine.versions(tool) == ["9.8.7"]


def put(machine: Machine, tool: Tool, directory: str, version: str) -> None:
    home = directory.removesuffix("/bin")
    match tool:
        case "python":
            machine.python(f"{directory}/python3", version)
        case "node":
            machine.node(f"{directory}/node", version)
        case "java":
            machine.java(home, version)
        case "go":
            machine.go(home, version)


def test_a_version_that_has_several_names_is_told_once(machine: Machine) -> None:
    machine.java("/usr/lib/jvm/java-17-openjdk-amd64", "17.0.9")
    machine.link("/usr/lib/jvm/default-java", "/usr/lib/jvm/java-17-openjdk-amd64")
    machine.link("/etc/alternatives/java", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java")
    machine.link("/usr/bin/java", "/etc/alternatives/java")
    (found,) = machine.found("java")
    assert found.on_path
    assert found.home == str(machine.root / "usr/lib/jvm/java-17-openjdk-amd64")


def test_an_environment_of_python_is_not_taken_for_what_it_was_made_from(machine: Machine) -> None:
    machine.path.insert(0, "/venv/bin")
    machine.python("/usr/bin/python3", "3.11.2")
    machine.put("/venv/pyvenv.cfg", "")
    machine.link("/venv/bin/python3", "/usr/bin/python3")
    first, second = machine.found("python")
    assert (first.on_path, first.home) == (True, str(machine.root / "venv"))
    assert (second.on_path, second.home) == (False, str(machine.root / "usr"))


def test_a_program_that_only_passes_on_is_told_as_whom_it_passes_on_to(machine: Machine) -> None:
    real = machine.python("/home/u/.pyenv/versions/3.12.1/bin/python3", "3.12.1")
    machine.put("/home/u/.pyenv/shims/python3", f'#!/bin/sh\nexec {real} "$@"\n')
    machine.path.insert(0, "/home/u/.pyenv/shims")
    (found,) = machine.found("python")
    assert (found.path, found.on_path) == (real, True)


def test_versions_that_share_a_directory_are_all_found(machine: Machine) -> None:
    machine.python("/usr/bin/python3.10", "3.10.1", also=["python3"])
    machine.python("/usr/bin/python3.12", "3.12.4", also=[])
    machine.put("/usr/bin/python3.12-config")
    assert machine.versions("python") == ["3.10.1", "3.12.4"]


def test_what_gives_no_answer_or_may_not_be_run_is_none(machine: Machine) -> None:
    machine.put("/usr/local/bin/python3")
    machine.put("/usr/local/bin/node", "#!/no/such/program\n")
    machine.put("/usr/bin/node", "#!/bin/sh\necho 20.1.0 true /usr/bin/node\n", mode=0o644)
    machine.put("/usr/lib/jvm/broken/release", "\0\xff")
    assert machine.versions("python") == machine.versions("java") == []
    assert machine.versions("go") == []


def test_a_runtime_without_a_shell_is_not_complete(machine: Machine) -> None:
    machine.java("/opt/jdk-25", "25.0.1", modules="java.base java.sql")
    assert [each.complete for each in machine.found("java")] == [False]
