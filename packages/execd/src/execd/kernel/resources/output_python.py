"""Standard output and error of a Python kernel, usable whatever a cell does to them, each piece by the cell it is of.

The output of threads and of other programs is told by the cell that has started them. Run by the sandbox's own Python,
as all here; where its ipykernel is too old for a part of it, that part is left.
"""

import codecs
import contextvars
import faulthandler
import fcntl
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO, TextIOWrapper
from logging import StreamHandler
from typing import Any

from sending_python import Sending

READ_BYTES = 64 * 1024
FLUSH_S = 0.05
"""How often what other programs write is sent on at once; in between it waits for ipykernel's own turn."""
POOLS = ("concurrent.futures.thread", "multiprocessing.dummy")
"""Whose threads work for one cell after another."""


class Source:
    """One pipe: what is written to one of the two descriptors by programs that one cell has started."""

    def __init__(self, stream: Any, parent: Any, reading: int) -> None:
        self.stream = stream
        self.parent = parent
        self.reading = reading
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode


class Capture:
    """Descriptors 1 and 2 as output: each cell has pipes of its own, which live as long as somebody writes to them."""

    def __init__(self, streams: "dict[int, Any]", copy: int) -> None:
        self._streams = streams
        self._copy = copy
        self._sources: dict[int, Source] = {}
        self._ours: dict[int, tuple[int, int]] = {}
        """Descriptor → device and inode of the pipe that we have put there."""
        self._current: dict[int, Source] = {}
        self._flushed = 0.0
        self._lock = threading.RLock()
        self._poll = select.epoll()
        thread = threading.Thread(target=self._watch, name="Output", daemon=True)
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        thread.start()

    def begin(self, parent: Any) -> None:
        """Give what starts from now on pipes of its own; a descriptor that the code has put elsewhere stays there."""
        for descriptor, stream in self._streams.items():
            there = _identity(descriptor)
            if there is None or there == self._ours.get(descriptor, there):
                self._lay(descriptor, stream, parent)

    def _lay(self, descriptor: int, stream: Any, parent: Any) -> None:
        try:
            reading, writing = _pipe()
        except OSError:
            return  # Out of descriptors: the pipe before will do.
        source = Source(stream, parent, reading)
        with self._lock:
            self._sources[reading] = self._current[descriptor] = source
        os.dup2(writing, descriptor)
        os.close(writing)
        self._ours[descriptor] = _identity(descriptor) or (0, 0)
        self._poll.register(reading, select.EPOLLIN)

    def settle(self) -> None:
        """Return when what was written up to now by the current cell's programs is in the streams."""
        with self._lock:
            for source in list(self._current.values()):
                # One that goes on writing has no claim to more than what was there.
                size = _waiting(source.reading) if source.reading in self._sources else 0
                while size > 0 and (taken := self._read(source)):
                    size -= taken

    def _watch(self) -> None:
        while True:
            for reading, _ in self._poll.poll():
                with self._lock:
                    source = self._sources.get(reading)
                    if source is not None:
                        self._read(source)
                        self._hasten(source.stream)

    def _hasten(self, stream: Any) -> None:
        now = time.monotonic()
        if now - self._flushed > FLUSH_S and (thread := stream.pub_thread) is not None:
            self._flushed = now
            thread.schedule(stream._flush)

    def _read(self, source: Source) -> int:
        try:
            data = os.read(source.reading, READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:  # The code has closed what it did not open.
            self._sources.pop(source.reading, None)
            return 0
        text = source.decode(data, final=not data)
        if text:
            token = source.stream.set_thread_parent(source.parent)
            # A stream that the cell has closed takes nothing.
            with suppress(ValueError):
                source.stream.write(text)
            source.stream.reset_thread_parent(token)
        if not data:
            self._poll.unregister(source.reading)
            del self._sources[source.reading]
            os.close(source.reading)
        elif source.stream is self._streams[2]:
            with suppress(OSError):
                os.write(self._copy, data)  # Should the kernel die, it has last words.
        return len(data)


def _identity(descriptor: int) -> "tuple[int, int] | None":
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _pipe() -> "tuple[int, int]":
    # Where the code has closed standard descriptors, they are the first that are given away.
    ends = os.pipe()
    try:
        reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3) for end in ends)
    finally:
        for end in ends:
            os.close(end)
    os.set_blocking(reading, False)
    return reading, writing


def _waiting(descriptor: int) -> int:
    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4), sys.byteorder)


class Streams:
    """Standard output and error of a kernel's cells; made when ipykernel has put its own in place."""

    def __init__(self, app: Any) -> None:
        self._thread = app.iopub_thread
        self._streams: dict[str, Any] = {"stdout": sys.stdout, "stderr": sys.stderr}
        self._aside: dict[str, Any] = {}
        self._pid = os.getpid()
        self._tellers: list[Any] = list(self._streams.values())
        self._capture: Capture | None = None
        for stream in self._streams.values():
            Sending(stream)
        if hasattr(sys.stdout, "set_thread_parent"):
            self._capture = self._captured(app)
            self._bind_threads()

    def _captured(self, app: Any) -> Capture:
        copy = os.dup(2)
        words = TextIOWrapper(FileIO(copy, "w", closefd=False), write_through=True)
        for handler in app.log.handlers:
            if isinstance(handler, StreamHandler) and handler.stream in (sys.__stderr__, sys.stderr):
                handler.setStream(words)
        descriptors = {1: sys.stdout, 2: sys.stderr}
        for descriptor, stream in descriptors.items():
            stream._original_stdstream_copy = descriptor  # type: ignore[union-attr]
        faulthandler.enable(file=copy)
        return Capture(descriptors, copy)

    def install(self, kernel: Any) -> None:
        """Begin and end the cells of a kernel."""
        shell = kernel.shell
        self._tellers += [each for each in (shell.display_pub, shell.displayhook) if hasattr(each, "_parent_header")]
        prepare, execute = kernel.pre_handler_hook, kernel.do_execute

        def begin() -> None:
            self.mend()
            self._back()
            if self._capture is not None:
                self._capture.begin(self._streams["stdout"].parent_header)
            prepare()

        async def run(*args: Any, **options: Any) -> Any:
            reply: Any = None
            try:
                reply = await execute(*args, **options)
            finally:
                if os.getpid() != self._pid:
                    self._leave(reply)
                self.end()
            return reply

        kernel.pre_handler_hook, kernel.do_execute = begin, run

    def mend(self) -> None:
        """Open what was closed, and take back what is no stream any more."""
        for name, stream in self._streams.items():
            if stream.closed:
                stream.pub_thread = self._thread
            there = getattr(sys, name, None)
            if there is not stream and not _lives(there):
                setattr(sys, name, stream)

    def _back(self) -> None:
        for name, there in self._aside.items():
            if getattr(sys, name) is self._streams[name] and _lives(there):
                setattr(sys, name, there)
        self._aside.clear()

    def end(self) -> None:
        """Flush what was written, whatever stands for the streams, and let the kernel flush nothing that fails."""
        _flushes(sys.__stdout__)
        _flushes(sys.__stderr__)
        self.mend()
        for name, stream in self._streams.items():
            there = getattr(sys, name)
            if there is not stream and not _flushes(there):
                self._aside[name] = there
                setattr(sys, name, stream)
        if self._capture is not None:
            self._capture.settle()
        for name, stream in self._streams.items():
            if getattr(sys, name) is not stream:
                stream.flush()

    def _leave(self, reply: Any) -> None:
        # The copy of a kernel that a cell has forked ends with its cell: it has no sockets and no threads to go on.
        said = reply if isinstance(reply, dict) else {"status": "error"}
        status = 0 if said.get("status") == "ok" or said.get("evalue") in ("", "None", "0") else 1
        if said.get("ename") == "SystemExit" and str(said.get("evalue")).isdigit():
            status = int(said["evalue"]) & 0xFF
        for stream in {id(each): each for each in (*self._streams.values(), sys.stdout, sys.stderr)}.values():
            _flushes(stream)
        os._exit(status)

    def _bind_threads(self) -> None:
        # A thread begins with no variables of a context, so what it prints would be the output of whichever cell runs.
        start: Callable[[threading.Thread], None] = threading.Thread.start
        body: Any = getattr(threading.Thread, "_bootstrap_inner", None)
        if body is None:
            return
        parents: dict[int, list[tuple[contextvars.ContextVar[Any], Any]]] = {}

        def started(thread: threading.Thread) -> None:
            target = getattr(thread, "_target", None)
            if not {type(thread).__module__, getattr(target, "__module__", None)} & set(POOLS):
                parents[id(thread)] = [(teller._parent_header, teller.parent_header) for teller in self._tellers]
            try:
                start(thread)
            except BaseException:
                parents.pop(id(thread), None)
                raise

        def bound(thread: threading.Thread) -> None:
            for variable, parent in parents.pop(id(thread), ()):
                variable.set(parent)
            body(thread)

        started.__name__ = started.__qualname__ = "start"
        threading.Thread.start = started  # type: ignore[method-assign,assignment]
        threading.Thread._bootstrap_inner = bound  # type: ignore[attr-defined]


def _lives(stream: Any) -> bool:
    try:
        return stream is not None and callable(stream.write) and not getattr(stream, "closed", False)
    except Exception:  # noqa: BLE001 - it is anything that a cell has put there
        return False


def _flushes(stream: Any) -> bool:
    try:
        stream.flush()
    except Exception:  # noqa: BLE001 - the same
        return False
    return True
