"""Lets a kernel that has waited take the place of one started now: its directory, its variables, and nothing outdated.

What a kernel has read at its start may have changed while it waited: a package was installed or upgraded, somebody has
written a configuration. Such a kernel says so, and is not used. Run by the sandbox's own Python, as all here.
"""

from __future__ import annotations

import base64
import ctypes
import glob
import json
import os
import site
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

MARK = b"EXECD_EXECUTION_ID="
CONFIGURATIONS = ("ipython_config", "ipython_kernel_config")
KINDS = (".py", ".json")


def stamp(path: str) -> tuple[int, int, int] | None:
    """Return which state of a file or directory is there, None while there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def installed() -> list[str]:
    """Return the directories in which packages are installed: there an installation or an upgrade shows."""
    places = [*site.getsitepackages(), site.getusersitepackages()]
    inside = (os.path.join(sys.prefix, ""), os.path.join(sys.base_prefix, ""))
    return [*places, *(path for path in sys.path if path.startswith(inside) and path not in places)]


class Freshness:
    """Tells whether what was read is still what is there; made before anything is read.

    In directories of one's own (PYTHONPATH) files come and go: there it counts what would be read instead.
    """

    def __init__(self) -> None:
        places = installed()
        around = [sys.executable, os.path.join(sys.prefix, "pyvenv.cfg")]
        self._stamps = {path: stamp(path) for path in [*places, *around]}
        # The empty entry is the directory in which code runs: nothing has been read there.
        self._entries = {path: _entries(path) for path in sys.path if path and path not in places}

    def add(self, paths: Iterable[str]) -> None:
        """Take note of more that has been read, and of all modules that there are now."""
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        for path in [*paths, *(file for file in files if isinstance(file, str))]:
            if path not in self._stamps:
                self._stamps[path] = stamp(path)

    def lasts(self) -> bool:
        """Return whether all is as it was."""
        if any(stamp(path) != known for path, known in self._stamps.items()):
            return False
        read = {"sitecustomize", "usercustomize", *(name.partition(".")[0] for name in list(sys.modules))}
        new = [name for path, known in self._entries.items() for name in _entries(path) - known]
        return read.isdisjoint(name.partition(".")[0] for name in new)


def _entries(path: str) -> set[str]:
    try:
        return set(os.listdir(path))
    except OSError:
        return set()


class Adoption:
    """Answers two requests: to make ready for a context's surroundings, and to take them over; a refusal says why."""

    def __init__(self, app: Any, freshness: Freshness) -> None:
        self._app = app
        self._freshness = freshness
        app.kernel.shell_handlers["adopt_request"] = self.answer

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Take note of what has been read, or adopt what the request holds; or refuse."""
        surroundings = parent["content"]["surroundings"]
        try:
            if surroundings is None:
                refusal = self._make_ready()
            else:
                refusal = self._take_over(json.loads(base64.b64decode(surroundings)))
        except OSError as error:
            refusal = str(error)
        self._app.kernel.session.send(stream, "adopt_reply", {"refusal": refusal}, parent, ident=ident)

    def _make_ready(self) -> str | None:
        places = [*self._app.config_file_paths, self._app.profile_dir.location]
        startup = [os.path.join(place, "startup") for place in places]
        # Not the places themselves: other programs write their histories there.
        files = [os.path.join(place, name + kind) for place in places for name in CONFIGURATIONS for kind in KINDS]
        self._freshness.add([*files, *startup])
        # Such code may look at the directory and the variables, and would have seen those of no context.
        if self._app.loaded_config_files or os.environ.get("PYTHONSTARTUP"):
            return "it has a configuration of its own"
        if any(glob.glob(os.path.join(glob.escape(place), "*.*py")) for place in startup):
            return "it has start-up files"
        return None

    def _take_over(self, surroundings: dict[str, Any]) -> str | None:
        if not self._freshness.lasts():
            return "outdated"
        self._adopt(**surroundings)
        return None

    def _adopt(self, directory: str, variables: dict[str, str | None], mark: str) -> None:
        os.chdir(directory)
        shell = self._app.kernel.shell
        shell.starting_dir = directory
        visited = shell.user_ns["_dh"]
        visited[:] = [type(visited[0])(directory)]
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shell.init_environment()
        carry(mark)


def carry(mark: str) -> None:
    """Put the mark by which a context's processes are found where others look: into what this process began with.

    Whatever it forks has a copy of that.
    """
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])
        block = ctypes.string_at(start, end - start)
        at = block.index(MARK) + len(MARK)
        value = mark.encode()
        if block.index(b"\0", at) - at == len(value):
            ctypes.memmove(start + at, value, len(value))
