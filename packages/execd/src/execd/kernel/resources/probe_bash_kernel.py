"""Prints which bash the bash_kernel of this Python would run, its version, and where one was looked for."""

import importlib.util
import json
import os
import shutil
import sys
from importlib import metadata

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]


def version_of(path: str) -> str:
    """Return the version that a bash tells, none where it is no bash."""
    tell, told = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, told, 1)]
    child = os.posix_spawn(path, ["bash", "-c", "echo ${BASH_VERSION%%(*}"], os.environ, file_actions=actions)
    os.close(told)
    with open(tell) as answer:
        version = answer.read()
    os.waitpid(child, 0)
    return version.strip()


bash = shutil.which("bash")
version = version_of(bash) if bash else ""
found = bool(version) and importlib.util.find_spec("bash_kernel") is not None
answer = {
    "language": version,
    "kernel": metadata.version("bash_kernel") if found else None,
    "searched": sys.path,
}
print("\n" + json.dumps(answer))
