"""The seed's snippets about files and metrics, as they were written."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import inside, mode_of
from execd_conformance.scenarios.snippets import written
from opensandbox import Sandbox

_WRITING: Final = """
await sandbox.files.write_file(
    "/workspace/script.py",
    "print('Hello World')",
    mode=0o644
)
"""

_WRITING_MANY: Final = """
await sandbox.files.write_files([("/workspace/a", "one"), ("/workspace/b", b"two")])  # Better
# vs
for file in files:
    await sandbox.files.write_file(*file)  # Slower
"""

_READING: Final = """
# Read text file
content = await sandbox.files.read_file("/workspace/output.txt")
print(content)

# Read binary file
data = await sandbox.files.read_file("/workspace/image.png", binary=True)
"""

_METADATA: Final = """
info = await sandbox.files.get_info("/workspace/script.py")

print(f"Size: {info.size} bytes")
print(f"Mode: {oct(info.mode)}")
print(f"Owner: {info.owner}")
print(f"Modified: {info.mtime}")
"""

_SEARCHING: Final = """
# Find all Python files
files = await sandbox.files.search("/workspace/**/*.py")
for file in files:
    print(file.path)

# Find log files
logs = await sandbox.files.search("/var/log/*.log")
"""

_PERMISSIONS: Final = """
# Make file executable
await sandbox.files.set_permissions(
    "/workspace/script.sh",
    mode=0o755
)

# Change ownership
await sandbox.files.set_permissions(
    "/workspace/data.txt",
    owner="user",
    group="users"
)
"""

_DIRECTORIES: Final = """
# Create directory
await sandbox.files.create_directory(
    "/workspace/data",
    mode=0o755,
    parents=True  # Like mkdir -p
)

# List directory contents
entries = await sandbox.files.list_directory("/workspace")
for entry in entries:
    print(f"{entry.name} ({'dir' if entry.is_directory else 'file'})")

# Delete directory
await sandbox.files.delete_directory(
    "/workspace/temp",
    recursive=True
)
"""

_SNAPSHOT: Final = """
metrics = await sandbox.get_metrics()

print(f"CPU: {metrics.cpu_percent}%")
print(f"Memory: {metrics.memory_used_in_mib} MiB / {metrics.memory_total_in_mib} MiB")
print(f"Memory usage: {metrics.memory_percent}%")
"""

_STREAMING: Final = """
async for metrics in sandbox.watch_metrics():
    print(f"CPU: {metrics.cpu_percent}% | Memory: {metrics.memory_percent}%")
    
    if metrics.memory_percent > 80:
        print("Warning: High memory usage!")
        break
"""  # noqa: W293 - as it was written


@scenario(
    "sdk",
    "sdk-files.seed-write",
    "sdk-files.seed-read",
    "sdk-files.seed-info",
    profiles=("full", "compat"),
)
async def test_files_of_the_seed(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """Writing, reading and metadata, in both colours."""
    names: dict[str, Any] = {"sandbox": sandbox, "files": [(f"{folder}/c", "three")]}
    await written(_WRITING, names, workspace=folder)
    checks.equal("sdk-files.seed-write", await inside(raw, "cat", f"{folder}/script.py"), "print('Hello World')")
    checks.equal("sdk-files.seed-write", await mode_of(raw, f"{folder}/script.py"), "644")
    await written(_WRITING_MANY, names, workspace=folder)
    checks.equal(
        "sdk-files.seed-write", await inside(raw, "cat", *(f"{folder}/{name}" for name in "abc")), "onetwothree"
    )
    await raw.run("printf 'what it says' > output.txt; printf '\\211PNG\\r\\n\\0' > image.png", cwd=folder)
    checks.equal("sdk-files.seed-read", await written(_READING, names, workspace=folder), ["what it says"])
    checks.equal("sdk-files.seed-read", names["data"], b"\x89PNG\r\n\0")
    size, mode, owner, modified = await written(_METADATA, names, workspace=folder)
    checks.equal("sdk-files.seed-info", (size, mode), ("Size: 20 bytes", "Mode: 0o644"))
    seen = await inside(raw, "stat -c '%U %u %Y'", f"{folder}/script.py")
    checks.that("sdk-files.seed-info", owner.removeprefix("Owner: ") in seen.split()[:2], (owner, seen))
    moment = datetime.fromisoformat(modified.removeprefix("Modified: "))
    checks.equal("sdk-files.seed-info", int(moment.timestamp()), int(seen.split()[2]))


@scenario(
    "sdk",
    "sdk-files.seed-search",
    "sdk-files.seed-permissions",
    "sdk-files.seed-directories",
    profiles=("full", "compat"),
)
async def test_trees_of_the_seed(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """Searching, permissions and directories, in both colours."""
    names: dict[str, Any] = {"sandbox": sandbox}
    await raw.run("mkdir -p a/b temp/x; touch a/b/one.py two.py a/three.txt script.sh data.txt", cwd=folder)
    found = await written(_SEARCHING, names, workspace=folder)
    checks.equal("sdk-files.seed-search", found, [f"{folder}/a/b/one.py", f"{folder}/two.py"])
    user, group = (await inside(raw, "stat -c '%U %G'", f"{folder}/data.txt")).split()
    numbers = (await inside(raw, "stat -c '%u %g'", f"{folder}/data.txt")).split()
    ours = (user if user != "UNKNOWN" else numbers[0], group if group != "UNKNOWN" else numbers[1])
    # Not every sandbox has a user of that name; whoever it is gives nothing away.
    snippet = _PERMISSIONS.replace('"user"', repr(ours[0])).replace('"users"', repr(ours[1]))
    await written(snippet, names, workspace=folder)
    checks.equal("sdk-files.seed-permissions", await mode_of(raw, f"{folder}/script.sh"), "755")
    listed = await written(_DIRECTORIES, names, workspace=folder)
    want = ["a (dir)", "data (dir)", "data.txt (file)", "script.sh (file)", "temp (dir)", "two.py (file)"]
    checks.equal("sdk-files.seed-directories", listed, want)
    left = (await raw.run("ls -d temp data 2>/dev/null", cwd=folder)).stdout
    checks.equal("sdk-files.seed-directories", left, "data\n")


@scenario("sdk", "sdk-metrics.seed-snapshot", "sdk-metrics.seed-stream", profiles=("full", "compat"))
async def test_metrics_of_the_seed(checks: Checks, sandbox_async: Sandbox) -> None:
    """A snapshot, and a stream that is left after a while."""
    names: dict[str, Any] = {"sandbox": sandbox_async}
    said = await written(_SNAPSHOT, names)
    checks.equal(
        "sdk-metrics.seed-snapshot", [line.partition(":")[0] for line in said], ["CPU", "Memory", "Memory usage"]
    )
    checks.that("sdk-metrics.seed-snapshot", "None" not in " ".join(said), said)
    said = []
    names["heard"] = said
    watching = asyncio.create_task(written(_STREAMING.replace("print(", "heard.append("), names))
    try:
        async with asyncio.timeout(8):
            while len(said) < 2 and not watching.done():  # noqa: ASYNC110 - what is watched tells nobody
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    finally:
        watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    is_high = any("Warning" in line for line in said)
    checks.that("sdk-metrics.seed-stream", said and said[0].startswith("CPU: ") and (len(said) >= 2 or is_high), said)
