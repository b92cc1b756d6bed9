"""The room's front: its blocking calls in worker threads, so that no disk ever holds up the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Final, TypeVar, cast

from execd._wire import FileInfo, Move, Permission, Replacement, ReplacementCount
from execd.errors import InvalidFile, InvalidQuery, InvalidRequestBody
from execd.files import tree
from execd.files.arrival import Arrival
from execd.files.compression import decoded
from execd.files.content import Content, open_content
from execd.files.directories import make_all
from execd.files.glob import Pattern, compile_pattern
from execd.files.lines import Lines
from execd.files.moving import move_all
from execd.files.packing import Packing
from execd.files.places import Places
from execd.files.ranges import Span
from execd.files.readings import Archive, Entries, Reading, ReadingLines, ReadingParts
from execd.files.refusals import shown
from execd.files.removing import remove_directories, remove_files
from execd.files.replacing import replace_all
from execd.files.rights import Rights, rights, set_all
from execd.files.search import listing, searching
from execd.files.threads import Submit, settled
from execd.files.unpacking import unpack
from execd.files.upload import Upload
from execd.files.uploads import Uploads
from execd.files.watches import Watches, Wish
from execd.files.whole import Whole
from execd.runs.registry import Registry
from execd.runs.run import Run

T = TypeVar("T")
UNPACKERS: Final = 8
"""Archives that are unpacked at once: each needs a thread for as long as its bytes take to come."""
THREADS: Final = 32
"""Calls at once; one that hangs (a network file system) holds only its own thread."""


class Files:
    """What the daemon does with files, for as many requests as come."""

    def __init__(self, places: Places, registry: Registry) -> None:
        self._places = places
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        self._unpackers = ThreadPoolExecutor(UNPACKERS, thread_name_prefix="archives")
        self.uploads = Uploads(places.resolve, self._settled)
        self._watches = Watches(registry, self._settled)

    async def entries(self, paths: list[bytes]) -> dict[str, FileInfo]:
        """Return what is at each path, by path as it was given; raises the refusal of the first that has one."""
        by_key = {shown(os.fsdecode(path)): os.fsdecode(path) for path in dict.fromkeys(paths)}
        if len(by_key) < len(set(paths)):
            raise InvalidQuery("path: two of these read the same once they are text; ask for them one at a time")
        return await self._run(self._entries, by_key)

    def _entries(self, by_key: dict[str, str]) -> dict[str, FileInfo]:
        return {key: tree.entry(self._places.resolve(path)) for key, path in by_key.items()}

    async def open(self, path: bytes) -> Content:
        """Return a file, open for reading; raises the refusals of the wire."""
        return await self._run(open_content, self._places.resolve(os.fsdecode(path)))

    def reading(self, content: Content, span: Span | None) -> Reading:
        """Return the bytes of a span of an open file, all of it without one; it closes the file."""
        return Reading(content, span, self._submit)

    def reading_lines(self, content: Content, lines: Lines) -> ReadingLines:
        """Return some lines of an open file; it closes the file."""
        return ReadingLines(self.reading(content, None), lines)

    def reading_parts(self, content: Content, parts: list[tuple[bytes, Span | None]]) -> ReadingParts:
        """Return spans of an open file, each after some bytes that come before it; it closes the file."""
        return ReadingParts(content, parts, self._submit)

    def receiving(self, boundary: str) -> Receiving:
        """Return what takes an upload of this boundary."""
        return Receiving(Upload(boundary, resolve=self._places.resolve), self._submit)

    async def receiving_whole(self, path: bytes, *, max_bytes: int | None, fsync: bool) -> Receiving:
        """Return what takes the content of one file; raises the refusals of the wire."""
        resolve = self._places.resolve
        whole = await self._settled(lambda: Whole(os.fsdecode(path), resolve=resolve, max_bytes=max_bytes, fsync=fsync))
        return Receiving(whole, self._submit)

    # ── files and directories as a whole ─────────────────────────────────────────────────────────────────────────────

    async def remove(self, paths: list[bytes]) -> None:
        """Remove files and links; raises the refusals of the wire."""
        await self._run(remove_files, self._resolved(paths))

    async def remove_directories(self, paths: list[bytes], *, recursive: bool) -> None:
        """Remove directories, without `recursive` only empty ones; raises the refusals of the wire."""
        resolved = self._resolved(paths)
        await self._settled(lambda: remove_directories(resolved, recursive=recursive))

    async def set_permissions(self, wishes: Mapping[str, Permission]) -> None:
        """Set owners and modes, all or none; raises the refusals of the wire."""
        await self._run(set_all, self._rights(wishes))

    async def make_directories(self, wishes: Mapping[str, Permission], *, parents: bool) -> None:
        """Make directories, all or none; raises the refusals of the wire."""
        rights = self._rights(wishes)
        await self._settled(lambda: make_all(rights, parents=parents))

    async def move(self, moves: Iterable[Move]) -> None:
        """Move entries, all or none; raises the refusals of the wire."""
        await self._run(move_all, [(self._named(move.src), self._named(move.dest)) for move in moves])

    async def replace(self, wishes: Mapping[str, Replacement]) -> dict[str, ReplacementCount]:
        """Exchange text, in all files or none, and return how often by path; raises the refusals of the wire."""
        if not all(wish.old for wish in wishes.values()):
            raise InvalidRequestBody("old: an empty text is everywhere", details={"field": "old"})
        by_path = self._named_once(wishes)
        texts = {path: (wishes[key].old, wishes[key].new) for path, key in by_path.items()}
        counts = await self._run(replace_all, texts)
        return {by_path[path]: ReplacementCount(replacedCount=count) for path, count in counts.items()}

    async def search(self, path: bytes, pattern: str, *, limit: int | None, include_directories: bool) -> Entries:
        """Return what is below a directory and matches a pattern; raises the refusals of the wire."""
        compiled = _pattern("pattern", pattern)
        root = self._places.resolve(os.fsdecode(path))
        search = await self._settled(
            lambda: searching(root, compiled, limit=limit, include_directories=include_directories)
        )
        return Entries(search, self._submit)

    async def list_directory(self, path: bytes, *, depth: int) -> Entries:
        """Return what is in a directory, down to a depth; raises the refusals of the wire."""
        root = self._places.resolve(os.fsdecode(path))
        return Entries(await self._settled(lambda: listing(root, depth=depth)), self._submit)

    async def watch(self, path: bytes, *, recursive: bool, execution_id: str | None) -> Run:
        """Return the run of a watch, a new one unless that id is known; raises the refusals of the wire."""
        wish = Wish(self._places.resolve(os.fsdecode(path)), recursive)
        return await self._watches.start(wish, execution_id=execution_id)

    # ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def archive(self, path: bytes, *, exclude: Iterable[bytes], coding: str | None) -> Archive:
        """Return a directory as a tar stream; raises the refusals of the wire."""
        root = self._places.resolve(os.fsdecode(path))
        patterns = [_pattern("exclude", os.fsdecode(text)) for text in exclude]
        return Archive(await self._settled(lambda: Packing(root, exclude=patterns)), coding, self._submit)

    async def unpack(self, path: bytes, coding: str, next_pieces: Callable[[], Awaitable[list[bytes]]]) -> None:
        """Put a tar stream into a directory; raises the refusals of the wire, and of whatever brings the stream."""
        root, arrival = self._places.resolve(os.fsdecode(path)), Arrival()
        try:
            source = decoded(cast("IO[bytes]", arrival), coding)
        except ValueError as error:
            raise InvalidFile(f"Content-Encoding: {error}") from None
        job = asyncio.get_running_loop().run_in_executor(self._unpackers, unpack, root, source)
        job.add_done_callback(lambda _: arrival.end())
        try:
            while pieces := await next_pieces():
                # Of an archive that is refused the rest is of no interest, but it has to be taken in.
                await arrival.give(pieces)
        except BaseException as fault:
            arrival.fail(fault)
            with suppress(BaseException):
                await settled(job)
            raise
        arrival.end()
        await settled(job)

    def _resolved(self, paths: Iterable[bytes]) -> list[str]:
        return [self._places.resolve(os.fsdecode(path)) for path in paths]

    def _rights(self, wishes: Mapping[str, Permission]) -> dict[str, Rights]:
        return {path: rights(wishes[key], field=key) for path, key in self._named_once(wishes).items()}

    def _named_once(self, keys: Iterable[str]) -> dict[str, str]:
        """Return what each path of a body stands for, with that path; what two of them name has two answers."""
        keys = list(keys)
        named = {self._named(key): key for key in keys}
        if len(named) < len(keys):
            raise InvalidRequestBody("two paths name the same entry")
        return named

    def _named(self, path: str) -> str:
        """Return what a path of a body stands for; an empty one would be the working root."""
        if not path:
            raise InvalidRequestBody("a path is empty")
        return self._places.resolve(path)

    def _submit(self, function: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def _settled(self, function: Callable[[], T]) -> T:
        return await settled(self._submit(function))

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        return await self._settled(lambda: function(*args))


def _pattern(field: str, text: str) -> Pattern:
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise InvalidQuery(f"{field}: {error}") from None


class Receiving:
    """An upload: one block is on its way to the disk while the caller waits for the next, and no more is taken in."""

    def __init__(self, upload: Upload | Whole, submit: Submit[None]) -> None:
        self._upload = upload
        self._submit = submit
        self._job: asyncio.Future[None] | None = None

    async def take(self, pieces: list[bytes]) -> None:
        """Take the next bytes of the body; raises the refusals of the wire, perhaps for bytes that came earlier."""
        await self._written()
        self._job = self._submit(lambda: self._upload.feed(*pieces))

    async def _written(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            await settled(job)

    async def finish(self) -> None:
        """Make the files visible; when this returns they are there."""
        await self._written()
        await settled(self._submit(self._upload.finish))

    async def abandon(self) -> None:
        """Leave nothing of what is not visible yet."""
        with suppress(Exception):
            await self._written()
        await settled(self._submit(self._upload.abandon))
