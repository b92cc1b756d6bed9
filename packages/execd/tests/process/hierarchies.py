"""Control groups of version 2 as the kernel keeps them: its rules, without the kernel."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from execd.process.groups import Controller, Place

TOP = "/sys/fs/cgroup/own"
FILES: dict[Controller, tuple[str, ...]] = {"memory": ("memory.max", "memory.swap.max"), "pids": ("pids.max",)}


def refuse(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


@dataclass
class Node:
    """One group: who is in it, what it gives on, what was written."""

    controllers: set[str]
    processes: set[int] = field(default_factory=set)
    gives: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)


class Unified:
    """A hierarchy whose top is the daemon's own group; the top `is_true_root` or one that must give way."""

    def __init__(
        self, *processes: int, controllers: tuple[str, ...] = ("cpu", "memory", "pids"), is_true_root: bool = False
    ) -> None:
        self.groups = {TOP: Node(set(controllers), set(processes))}
        self.is_true_root = is_true_root
        self.locked: set[str] = set()
        self.refuses: dict[str, int] = {}
        """What fails with which number: a method's name."""

    @property
    def places(self) -> dict[Controller, Place]:
        return {"memory": Place(2, TOP), "pids": Place(2, TOP)}

    def named(self, ending: str) -> Node:
        """Return the one group whose path ends so."""
        (found,) = (node for path, node in self.groups.items() if path.endswith(ending))
        return found

    def read(self, path: str) -> str:
        node, name = self._node(path)
        if name == "cgroup.procs":
            return "".join(f"{pid}\n" for pid in sorted(node.processes))
        if name == "cgroup.controllers":
            return " ".join(sorted(node.controllers)) + "\n"
        if name == "cgroup.subtree_control":
            return " ".join(sorted(node.gives)) + "\n"
        if name not in node.files:
            raise refuse(errno.ENOENT, path)
        return node.files[name]

    def write(self, path: str, text: str) -> None:
        node, name = self._node(path)
        is_top = path.rpartition("/")[0] == TOP and self.is_true_root
        if name == "cgroup.procs":
            if node.gives and not is_top:
                raise refuse(errno.EBUSY, path)
            for other in self.groups.values():
                other.processes.discard(int(text))
            node.processes.add(int(text))
        elif name == "cgroup.subtree_control":
            if text[1:] not in node.controllers:
                raise refuse(errno.ENOENT, path)
            if node.processes and not is_top:
                raise refuse(errno.EBUSY, path)
            node.gives.add(text[1:])
            for below in self._below(path.rpartition("/")[0]):
                self._equip(self.groups[below], node)
        elif name in node.files:
            node.files[name] = text
        else:
            raise refuse(errno.ENOENT, path)

    def make(self, directory: str) -> None:
        if "make" in self.refuses:
            raise refuse(self.refuses["make"], directory)
        if directory in self.groups:
            raise refuse(errno.EEXIST, directory)
        node = self.groups[directory] = Node(set())
        self._equip(node, self.groups[directory.rpartition("/")[0]])

    def remove(self, directory: str) -> None:
        if directory not in self.groups:
            raise refuse(errno.ENOENT, directory)
        if self.groups[directory].processes or self._below(directory):
            raise refuse(errno.EBUSY, directory)
        del self.groups[directory]

    def below(self, directory: str) -> list[str]:
        return self._below(directory)

    def open(self, path: str) -> int:
        self._node(path)
        return os.open(os.devnull, os.O_WRONLY)

    def lock(self, directory: str) -> int | None:
        if directory in self.locked:
            return None
        return os.open(os.devnull, os.O_RDONLY)

    def _node(self, path: str) -> tuple[Node, str]:
        directory, _, name = path.rpartition("/")
        if directory not in self.groups:
            raise refuse(errno.ENOENT, path)
        return self.groups[directory], name

    def _below(self, directory: str) -> list[str]:
        return [path for path in self.groups if path.rpartition("/")[0] == directory]

    def _equip(self, node: Node, above: Node) -> None:
        node.controllers = set(above.gives)
        for controller, names in FILES.items():
            if controller in above.gives:
                node.files |= {name: "max\n" for name in names if name not in node.files}
                if controller == "memory":
                    node.files.setdefault("memory.events", "low 0\noom 0\noom_kill 0\n")
