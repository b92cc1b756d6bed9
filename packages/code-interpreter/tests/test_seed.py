"""The seed's snippets about code in Python, files and metrics: run as they were written, word by word.

Given are `sandbox`, the names that earlier snippets made, and a directory that stands for `/workspace`.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from opensandbox import Sandbox
from packages.sdk.tests.conftest import RunningDaemon

CREATING_CONTEXTS = """
from code_interpreter import CodeInterpreter, SupportedLanguage

interpreter = await CodeInterpreter.create(sandbox)

# Create Python context
context = await interpreter.codes.create_context(
    SupportedLanguage.PYTHON
)

# Execute code in the context
result1 = await interpreter.codes.run(
    "x = 10\\ny = 20",
    context_id=context.context_id
)

# Variables persist
result2 = await interpreter.codes.run(
    "x + y",
    context_id=context.context_id
)
print(result2.result[0].text)  # 30
"""

STATEFUL = """
context = await interpreter.codes.create_context(
    SupportedLanguage.PYTHON
)

await interpreter.codes.run("x = 100", context_id=context.context_id)
result = await interpreter.codes.run("x * 2", context_id=context.context_id)
print(result.result[0].text)  # 200
"""

RESULTS = """
result = await interpreter.codes.run(
    "2 + 2",
    language=SupportedLanguage.PYTHON
)

# Result value (last expression)
print(result.result[0].text)  # "4"

# Standard output
print(result.logs.stdout)  # List of output lines

# Standard error
print(result.logs.stderr)  # List of error lines

# Execution count
print(result.execution_count)  # 1
"""

DELETING = """
await interpreter.codes.delete_context(context.context_id)
"""

WRITING = """
await sandbox.files.write_file(
    "/workspace/script.py",
    "print('Hello World')",
    mode=0o644
)
"""

READING = """
# Read text file
content = await sandbox.files.read_file("/workspace/output.txt")
print(content)

# Read binary file
data = await sandbox.files.read_file("/workspace/image.png", binary=True)
"""

METADATA = """
info = await sandbox.files.get_info("/workspace/script.py")

print(f"Size: {info.size} bytes")
print(f"Mode: {oct(info.mode)}")
print(f"Owner: {info.owner}")
print(f"Modified: {info.mtime}")
"""

SNAPSHOT = """
metrics = await sandbox.get_metrics()

print(f"CPU: {metrics.cpu_percent}%")
print(f"Memory: {metrics.memory_used_in_mib} MiB / {metrics.memory_total_in_mib} MiB")
print(f"Memory usage: {metrics.memory_percent}%")
"""

STREAMING = """
async for metrics in sandbox.watch_metrics():
    print(f"CPU: {metrics.cpu_percent}% | Memory: {metrics.memory_percent}%")
    
    if metrics.memory_percent > 80:
        print("Warning: High memory usage!")
        break
"""  # noqa: W293 - as it was written


@pytest.fixture
async def sandbox(execd: RunningDaemon) -> AsyncIterator[Sandbox]:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


async def run(snippet: str, names: dict[str, Any], *, workspace: Path | None = None) -> None:
    """Run a snippet as the body of an asynchronous program."""
    text = snippet.replace("/workspace", str(workspace)) if workspace else snippet
    running = eval(compile(text, "<seed>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(running):
        await running


async def test_code(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"sandbox": sandbox}
    await run(CREATING_CONTEXTS, names)
    assert capsys.readouterr().out == "30\n"
    await run(DELETING, names)
    await run(STATEFUL, names)
    assert capsys.readouterr().out == "200\n"
    await run(RESULTS, names)
    value, stdout, stderr, count = capsys.readouterr().out.splitlines()
    assert (value, stdout, stderr) == ("4", "[]", "[]")
    assert int(count) >= 1  # the default context is shared with other tests
    await run(DELETING, names)


async def test_files(sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"sandbox": sandbox}
    await run(WRITING, names, workspace=tmp_path)
    assert (tmp_path / "script.py").read_text() == "print('Hello World')"
    (tmp_path / "output.txt").write_text("what it says")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n")
    await run(READING, names, workspace=tmp_path)
    assert capsys.readouterr().out == "what it says\n"
    assert names["data"] == b"\x89PNG\r\n"
    await run(METADATA, names, workspace=tmp_path)
    size, mode, owner, modified = capsys.readouterr().out.splitlines()
    assert (size, mode, owner) == ("Size: 20 bytes", "Mode: 0o644", f"Owner: {(tmp_path / 'script.py').owner()}")
    assert modified.startswith("Modified: 20")


async def test_metrics(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"sandbox": sandbox}
    await run(SNAPSHOT, names)
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["CPU", "Memory", "Memory usage"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.5):
            await run(STREAMING, names)
    assert len(capsys.readouterr().out.splitlines()) >= 2
