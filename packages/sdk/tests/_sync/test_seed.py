# Generated from packages/sdk/tests/_async/test_seed.py by tools/unasync.py; do not edit.
"""The seed's snippets about commands, as written; `sandbox` is given, and so are the names it uses."""

# ruff: noqa: T201, PLC0415 - the seed's own text

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensandbox import SandboxSync


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxSync]:
    """Give a sandbox in which `pip` and `npm` are stand-ins that say something."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"pip": "Collecting $2", "npm": "added 7 packages\necho audited", "python": "trained"}.items():
        (programs / name).write_text(f"#!/bin/sh\necho {text}\n")
        (programs / name).chmod(0o755)
    with SandboxSync.local(envs={"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}) as sandbox:
        yield sandbox


def test_foreground_commands(
    sandbox: SandboxSync, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    workspace = str(tmp_path)
    execution = sandbox.commands.run(
        "pip install numpy pandas",
        working_dir=workspace,
    )

    print(execution.logs.stdout[0].text)
    print(f"Exit code: {execution.exit_code}")
    assert capsys.readouterr().out == "Collecting numpy\nExit code: 0\n"


def test_background_commands(sandbox: SandboxSync, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    workspace = str(tmp_path)
    (tmp_path / "train.py").write_text("print('trained')")
    session = sandbox.commands.run_background(
        "python train.py",
        working_dir=workspace,
    )
    sandbox.commands.wait(session)

    # Check status later
    status = sandbox.commands.get_status(session)
    if status.is_complete:
        output = sandbox.commands.get_output(session)
        print(output.stdout)
    assert capsys.readouterr().out == "trained\n\n"


def test_error_handling(sandbox: SandboxSync, capsys: pytest.CaptureFixture[str]) -> None:
    from opensandbox.exceptions import SandboxException

    try:
        sandbox.commands.run("invalid-command")
    except SandboxException as e:
        print(f"Error code: {e.error.code}")
        print(f"Message: {e.error.message}")
        print(f"Details: {e.error.details}")
    code, message, details = capsys.readouterr().out.splitlines()
    assert code == "Error code: COMMAND_FAILED"
    assert message.startswith("Message: the command exited with code 127")
    assert "invalid-command: command not found" in details


def test_large_output_line_by_line(sandbox: SandboxSync, capsys: pytest.CaptureFixture[str]) -> None:
    for line in sandbox.commands.run_stream("npm install"):
        print(line.text)
    assert capsys.readouterr().out == "added 7 packages\naudited\n"
