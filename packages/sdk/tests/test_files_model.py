"""Random operations on one tree through the SDK, on its twin by the system's own calls: both stay the same."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from opensandbox import SandboxSync, WriteEntry
from opensandbox.exceptions import SandboxApiException

from .conftest import RunningDaemon

NAMES = ("a", "b c", "d\n", "$HOME", "~", "é", "e\u0301", "x" * 255, ".execd-0", "-rf", "*.py", "[a]", "{a,b}", "\\")
PLACES = st.integers(0, 1 << 20)
MODES = st.sampled_from([None, 0o600, 0o755, 0o4711, 0o1777])
CONTENTS = st.one_of(st.binary(max_size=40), st.integers(1, 3).map(lambda size: b"ab" * (size << 19)))


class Refused(Exception):
    """What the model says no to, by the code that the daemon has for it."""


_CODES = {
    errno.ENOENT: "FILE_NOT_FOUND",
    errno.ENOTDIR: "FILE_NOT_FOUND",
    errno.EISDIR: "IS_A_DIRECTORY",
    errno.ELOOP: "INVALID_FILE",
    errno.EINVAL: "INVALID_FILE",
    errno.ENAMETOOLONG: "INVALID_FILE",
}


@contextmanager
def system(**codes: str) -> Iterator[None]:
    """Turn what the system refuses into what the daemon has to say."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        raise Refused(codes.get(errno.errorcode[number], _CODES.get(number, str(error)))) from error


# ── the model: plain calls of the system ─────────────────────────────────────────────────────────────────────────────


@contextmanager
def parents(path: str) -> Iterator[None]:
    """Make what is above a path, and take it away again when the block fails."""
    missing = []
    above = os.path.dirname(path)
    while not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    made: list[str] = []
    try:
        with system(EEXIST="NOT_A_DIRECTORY", ENOTDIR="NOT_A_DIRECTORY"):
            for directory in reversed(missing):
                os.mkdir(directory)
                made.append(directory)
        yield
    except Refused:
        for directory in reversed(made):
            os.rmdir(directory)
        raise


def write(path: str, content: bytes, mode: int | None) -> None:
    with parents(path):
        if os.path.isdir(path):
            raise Refused("IS_A_DIRECTORY")
        target = os.path.realpath(path)
        with parents(target), system(ENOTDIR="NOT_A_DIRECTORY"):
            is_new = not os.path.lexists(target)
            Path(target).write_bytes(content)
            if mode is not None or is_new:
                os.chmod(target, 0o644 if mode is None else mode)


def read(path: str) -> bytes:
    with system():
        return Path(path).read_bytes()


def kind(path: str) -> int | None:
    """Return what is at a path itself, None where there is nothing."""
    with system():
        try:
            return stat.S_IFMT(os.lstat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return None


def delete_file(path: str) -> None:
    if kind(path) == stat.S_IFDIR:
        raise Refused("IS_A_DIRECTORY")
    if kind(path) is not None:
        os.unlink(path)


def delete_directory(path: str, *, recursive: bool) -> None:
    if kind(path) is None:
        return
    if kind(path) != stat.S_IFDIR:
        raise Refused("NOT_A_DIRECTORY")
    if recursive:
        shutil.rmtree(path)
    else:
        with system(ENOTEMPTY="DIRECTORY_NOT_EMPTY"):
            os.rmdir(path)


def create_directory(path: str, *, exclusive: bool) -> None:
    if exclusive:
        if os.path.lexists(path):
            raise Refused("PATH_EXISTS")
        above = os.path.dirname(path)
        if not os.path.isdir(above) and os.path.lexists(above):
            raise Refused("NOT_A_DIRECTORY")
        with system():
            os.mkdir(path)
    elif not os.path.isdir(path):
        with parents(path), system(EEXIST="NOT_A_DIRECTORY", ENOTDIR="NOT_A_DIRECTORY"):
            os.mkdir(path)


def move(source: str, target: str) -> None:
    if kind(source) is None:
        raise Refused("FILE_NOT_FOUND")
    if os.path.lexists(target):
        raise Refused("PATH_EXISTS")
    if f"{target}/".startswith(f"{source}/"):
        raise Refused("INVALID_FILE")
    with parents(target), system():
        os.rename(source, target)


def replace(path: str, old: str, new: str) -> int:
    content = read(path)
    target = os.path.realpath(path)
    Path(target).write_bytes(content.replace(old.encode(), new.encode()))
    return content.count(old.encode())


def below(path: str, depth: int) -> list[str]:
    """Return everything below a directory, in lexical order, a directory before what is in it; links stay closed."""
    found = []
    for name in sorted(os.listdir(path)) if depth else []:
        found.append(f"{path}/{name}")
        if kind(found[-1]) == stat.S_IFDIR:
            found += below(found[-1], depth - 1)
    return found


def list_directory(path: str, depth: int) -> list[str]:
    with system():
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise Refused("INVALID_FILE")
    return below(path, depth)


def search(path: str) -> list[str]:
    with system(ENOTDIR="NOT_A_DIRECTORY"):
        os.listdir(path)
    return [found for found in below(path, 99) if kind(found) != stat.S_IFDIR]


def snapshot(root: str) -> dict[str, tuple[int, object]]:
    """Return all that there is: modes, and contents or targets."""
    told = {}
    for path in below(root, 99):
        found = os.lstat(path)
        inside: object = None
        if stat.S_ISLNK(found.st_mode):
            inside = os.readlink(path)
        elif stat.S_ISREG(found.st_mode):
            inside = Path(path).read_bytes()
        told[path[len(root) :]] = (found.st_mode, inside)
    return told


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Trees(RuleBasedStateMachine):
    """Two trees; each rule does the same to both."""

    sandbox: SandboxSync

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.mkdtemp()
        self.ours, self.twin, self.local = (f"{self.place}/{name}" for name in ("ours", "twin", "local"))
        os.mkdir(self.ours)
        os.mkdir(self.twin)
        self.files = self.sandbox.files

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    def pick(self, at: int, name: str | None) -> str:
        """Return a path below a root: of something that is there, or of `name` in it."""
        there = ["", *(path[len(self.twin) :] for path in below(self.twin, 99))]
        path = there[at % len(there)]
        return f"{path}/{name or 'a'}" if name or not path else path

    def same(self, ours: Callable[[], Any], model: Callable[[], Any]) -> None:
        """Do both and compare what they return, or refuse."""
        expected: Any
        try:
            expected = model()
        except Refused as no:
            expected = str(no)
        try:
            got = ours()
        except SandboxApiException as no:
            got = no.error.code
        assert got == expected

    @rule(at=PLACES, name=st.sampled_from((None, *NAMES)), content=CONTENTS, mode=MODES, way=st.integers(0, 3))
    def write(self, at: int, name: str | None, content: bytes, mode: int | None, way: int) -> None:
        path = self.pick(at, name)
        if not is_text(path):
            return
        target = self.ours + path

        def ours() -> None:
            if way == 0:
                self.files.write_file(target, content, mode=mode)
            elif way == 1:
                self.files.write_files([WriteEntry(target, content, mode=mode)])
            else:
                Path(self.local).write_bytes(content)
                if way == 2:
                    self.files.upload(self.local, target, mode=mode)
                else:
                    self.files.write_file(target, Path(self.local), mode=mode)

        self.same(ours, lambda: write(self.twin + path, content, mode))

    @rule(at=PLACES, name=st.sampled_from((None, None, *NAMES)), way=st.integers(0, 2))
    def read(self, at: int, name: str | None, way: int) -> None:
        path = self.pick(at, name)

        def ours() -> bytes:
            if way == 0:
                return self.files.read_file(self.ours + path, binary=True)
            if way == 1:
                return b"".join(self.files.read_stream(self.ours + path))
            self.files.download(self.ours + path, self.local)
            return Path(self.local).read_bytes()

        self.same(ours, lambda: read(self.twin + path))

    @rule(at=PLACES, name=st.sampled_from((None, None, *NAMES)))
    def look(self, at: int, name: str | None) -> None:
        path = self.pick(at, name)

        def told() -> tuple[int, int, str | None]:
            info = self.files.get_info(self.ours + path)
            assert info.path == self.ours + path
            return info.mode, 0 if info.is_directory else info.size, info.target

        def seen() -> tuple[int, int, str | None]:
            with system():
                found = os.lstat(self.twin + path)
            is_link, is_directory = stat.S_ISLNK(found.st_mode), stat.S_ISDIR(found.st_mode)
            target = os.readlink(self.twin + path) if is_link else None
            return stat.S_IMODE(found.st_mode), 0 if is_directory else found.st_size, target

        self.same(told, seen)

    @rule(at=PLACES, name=st.sampled_from((None, None, *NAMES)))
    def delete_file(self, at: int, name: str | None) -> None:
        path = self.pick(at, name)
        self.same(lambda: self.files.delete_file(self.ours + path), lambda: delete_file(self.twin + path))

    @rule(at=PLACES, name=st.sampled_from((None, None, *NAMES)), recursive=st.booleans())
    def delete_directory(self, at: int, name: str | None, recursive: bool) -> None:
        path = self.pick(at, name)
        self.same(
            lambda: self.files.delete_directory(self.ours + path, recursive=recursive),
            lambda: delete_directory(self.twin + path, recursive=recursive),
        )

    @rule(
        at=PLACES, name=st.sampled_from((None, *NAMES)), deeper=st.sampled_from(("", "/n/m")), exclusive=st.booleans()
    )
    def create_directory(self, at: int, name: str | None, deeper: str, exclusive: bool) -> None:
        path = self.pick(at, name) + deeper
        if is_text(path):
            self.same(
                lambda: self.files.create_directory(self.ours + path, parents=not exclusive),
                lambda: create_directory(self.twin + path, exclusive=exclusive),
            )

    @rule(at=PLACES, to=PLACES, name=st.sampled_from((None, *NAMES)), deeper=st.sampled_from(("", "/n/m")))
    def move(self, at: int, to: int, name: str | None, deeper: str) -> None:
        source, target = self.pick(at, None), self.pick(to, name) + deeper
        if is_text(source + target):
            self.same(
                lambda: self.files.move(self.ours + source, self.ours + target),
                lambda: move(self.twin + source, self.twin + target),
            )

    @rule(at=PLACES, name=st.sampled_from((None, None, None, "a")), new=st.sampled_from(("", "b", "ä" * 9)))
    def replace(self, at: int, name: str | None, new: str) -> None:
        path = self.pick(at, name)
        if is_text(path):
            self.same(
                lambda: self.files.replace(self.ours + path, "b", new), lambda: replace(self.twin + path, "b", new)
            )

    @rule(at=PLACES, mode=st.integers(1, 0o7777))
    def set_permissions(self, at: int, mode: int) -> None:
        path = self.pick(at, None)

        def model() -> None:
            with system():
                os.chmod(self.twin + path, mode)

        if is_text(path):
            self.same(lambda: self.files.set_permissions(self.ours + path, mode=mode), model)

    @rule(at=PLACES, depth=st.integers(0, 4))
    def list_directory(self, at: int, depth: int) -> None:
        path = self.pick(at, None)
        self.same(
            lambda: self.below_ours(self.files.list_directory(self.ours + path, depth=depth)),
            lambda: self.below_twin(list_directory(self.twin + path, depth)),
        )

    @rule(at=PLACES)
    def search(self, at: int) -> None:
        path = self.pick(at, None)
        pattern = "".join(f"\\{character}" if character in "*?[]{}\\" else character for character in path)
        if pattern == path:
            self.same(
                lambda: self.below_ours(self.files.search(f"{self.ours}{path}/**/*")),
                lambda: self.below_twin(search(self.twin + path)),
            )

    def below_ours(self, entries: list[Any]) -> list[str]:
        return [entry.path.removeprefix(self.ours) for entry in entries]

    def below_twin(self, paths: list[str]) -> list[str]:
        return [path.removeprefix(self.twin) for path in paths]

    @rule(at=PLACES, name=st.sampled_from(NAMES), to=PLACES, inner=st.sampled_from((None, "nowhere", "b c")))
    def somebody_makes_a_link(self, at: int, name: str, to: int, inner: str | None) -> None:
        path, leads_to = self.pick(at, name), self.pick(to, inner)
        if os.path.isdir(os.path.dirname(self.twin + path)) and not os.path.lexists(self.twin + path):
            relative = os.path.relpath(leads_to, os.path.dirname(path))
            # Through other links `..` is another place than it reads; both trees have the same ones.
            os.symlink(relative, self.twin + path)
            os.symlink(relative, self.ours + path)

    @rule(at=PLACES, name=st.sampled_from(("\udcff", "\udcc3(", "\udc80\n")))
    def somebody_makes_a_name_that_is_no_text(self, at: int, name: str) -> None:
        path = self.pick(at, name)
        if os.path.isdir(os.path.dirname(self.twin + path)) and not os.path.lexists(self.twin + path):
            Path(self.twin + path).write_bytes(b"odd")
            Path(self.ours + path).write_bytes(b"odd")

    @rule(at=PLACES)
    def fetch_a_directory_and_send_it_back(self, at: int) -> None:
        path = self.pick(at, None)
        if not os.path.isdir(self.twin + path) or any(kind(found) == stat.S_IFLNK for found in below(self.twin, 99)):
            return
        fetched, sent = f"{self.place}/fetched", f"{self.place}/sent"
        expected = {at: (mode & ~0o7000, inside) for at, (mode, inside) in snapshot(self.twin + path).items()}
        self.files.download_directory(self.ours + path, fetched)
        self.files.upload_directory(fetched, sent)
        assert snapshot(fetched) == snapshot(sent) == expected
        shutil.rmtree(fetched)
        shutil.rmtree(sent)

    @invariant()
    def both_are_the_same(self) -> None:
        assert snapshot(self.ours) == snapshot(self.twin)


def is_text(path: str) -> bool:
    """Whether a body can hold it."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


@pytest.mark.parametrize("turns", [15, pytest.param(int(os.environ.get("TURNS", "60")), marks=pytest.mark.slow)])
def test_whatever_is_done_to_a_tree_is_done_as_the_system_does_it(execd: RunningDaemon, turns: int) -> None:
    before = os.umask(0o022)
    try:
        with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
            Trees.sandbox = sandbox
            run_state_machine_as_test(
                Trees,
                settings=settings(
                    max_examples=turns,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        os.umask(before)
