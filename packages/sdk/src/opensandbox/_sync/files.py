# Generated from packages/sdk/src/opensandbox/_async/files.py by tools/unasync.py; do not edit.
"""`sandbox.files`: write and read files, look at what is there. Memory stays flat whatever their size."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, overload

from opensandbox._acompat import in_thread
from opensandbox._sync import transfer
from opensandbox._sync.upload import Source, body
from opensandbox._sync.watch import Watch
from opensandbox._core import files, trees, uploading, watching
from opensandbox._core.files import Data, SandboxPath, WriteEntry
from opensandbox._core.ignoring import Ignored
from opensandbox._core.local_files import Arriving, Leaving, LocalPath
from opensandbox._core.progress import Meter, Progress
from opensandbox.exceptions import FileNotFoundException
from opensandbox.results import FileInfo
from opensandbox.transport import SyncTransport, require


class Files:
    """Files in one sandbox.

    A relative path is under the sandbox's working directory; `~` and `$VAR` at the start of one stand for what they are
    in the sandbox.
    """

    def __init__(self, transport: SyncTransport, endpoint: str) -> None:
        self._transport = transport
        self._endpoint = endpoint

    def write_file(
        self,
        path: SandboxPath,
        data: Data,
        *,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
        fsync: bool = False,
    ) -> None:
        """Write a file, whole or not at all: nobody ever reads half of it. Missing directories are made.

        `data` is text (written as UTF-8), bytes, the path of a file on this side (a `Path`; text is content), an open
        file, read from where it stands, or anything that yields bytes, also asynchronously where the client does. With
        `mode=None` an existing file keeps its mode, and a new one gets 0o644.

        Raises `PermissionDeniedException`, `NotADirectoryException`, `IsADirectoryException`, `NoSpaceException`, and
        `OSError` for what cannot be read on this side.

        Example:
            >>> sandbox.files.write_file("/workspace/run.sh", "echo hi", mode=0o755)  # doctest: +SKIP
        """
        self.write_files([WriteEntry(path, data, mode=mode, owner=owner, group=group, fsync=fsync)])

    def write_files(self, entries: Iterable[WriteEntry | tuple[SandboxPath, Data]]) -> None:
        """Write many files in one request: all of them, or none.

        Example:
            >>> sandbox.files.write_files(
            ...     [("a.txt", "one"), WriteEntry("b.sh", b"two", mode=0o755)]
            ... )  # doctest: +SKIP
        """
        wanted = [
            files.check(entry if isinstance(entry, WriteEntry) else WriteEntry(*entry)) for entry in entries
        ]  # fmt: skip
        if not wanted:
            return
        if any(entry.fsync for entry in wanted):
            require(self._transport.features, "fsync")
        if "create_mode" not in self._transport.features:
            wanted = [self._with_mode(entry) for entry in wanted]
        boundary = uuid.uuid4().hex
        sources = [(entry, Source(entry.data)) for entry in wanted]
        request = files.upload(
            boundary,
            is_repeatable=all(source.is_repeatable for _, source in sources),
            length=files.length_of(boundary, [(entry, source.size) for entry, source in sources]),
        )
        self._transport.send(request, content=partial(body, boundary, sources))

    def _with_mode(self, entry: WriteEntry) -> WriteEntry:
        """Say the mode where the daemon would give new files another one than we promise."""
        if entry.mode is not None:
            return entry
        try:
            return replace(entry, mode=(self.get_info(entry.path)).mode or None)
        except FileNotFoundException:
            return replace(entry, mode=files.NEW_FILE_MODE)

    @overload
    def read_file(
        self, path: SandboxPath, *, binary: Literal[False] = False, encoding: str = "utf-8", errors: str = "strict"
    ) -> str: ...
    @overload
    def read_file(self, path: SandboxPath, *, binary: Literal[True]) -> bytes: ...
    @overload
    def read_file(
        self, path: SandboxPath, *, binary: bool, encoding: str = "utf-8", errors: str = "strict"
    ) -> str | bytes: ...
    def read_file(
        self, path: SandboxPath, *, binary: bool = False, encoding: str = "utf-8", errors: str = "strict"
    ) -> str | bytes:
        """Return the content of a file: its text, or with `binary` its bytes. Line ends are left as they are.

        Raises `FileNotFoundException`, `PermissionDeniedException`, `IsADirectoryException`, and `UnicodeDecodeError`
        for what is not text in that encoding.

        Example:
            >>> sandbox.files.read_file("/workspace/output.txt")  # doctest: +SKIP
            'done\\n'
        """
        with closing(self.read_stream(path)) as blocks:
            content = b"".join([block for block in blocks])
        return content if binary else content.decode(encoding, errors)

    def read_stream(self, path: SandboxPath) -> Generator[bytes, None]:
        """Read a file block by block, as it comes; a connection that breaks is resumed.

        Raises as `read_file` does, and `StreamInterruptedException` when the file changes meanwhile.

        Example:
            >>> for block in sandbox.files.read_stream("/workspace/big.bin"):  # doctest: +SKIP
            ...     digest.update(block)
        """
        return self._transport.receive(files.download(path))

    def get_info(self, path: SandboxPath) -> FileInfo:
        """Tell what is at a path; a link is told of itself. Raises `FileNotFoundException`.

        Example:
            >>> oct((sandbox.files.get_info("/workspace/run.sh")).mode)  # doctest: +SKIP
            '0o755'
        """
        return files.entry((self._transport.send(files.info(path))).body)

    def exists(self, path: SandboxPath) -> bool:
        """Whether there is anything at a path; a link is, whatever it points to."""
        try:
            self.get_info(path)
        except FileNotFoundException:
            return False
        return True

    def search(
        self, pattern: SandboxPath, *, limit: int | None = None, include_directories: bool = False
    ) -> list[FileInfo]:
        """Find files by a pattern, in lexical order; links are told and never followed.

        `*`, `?` and `[…]` stand for characters of one name, `**` for any number of directories, `{a,b}` for either. The
        longest part of the pattern without any of them is where the search starts. At most `limit` entries.

        Raises `FileNotFoundException` when there is no such directory to start in.

        Example:
            >>> sandbox.files.search("/workspace/**/*.py")  # doctest: +SKIP
            [FileInfo(path='/workspace/main.py', …)]
        """
        request = trees.search(pattern, limit=limit, include_directories=include_directories)
        return trees.entries((self._transport.send(request)).body)

    def set_permissions(
        self, path: SandboxPath, *, mode: int | None = None, owner: str | None = None, group: str | None = None
    ) -> None:
        """Set what is named, and leave the rest: a mode as `0o755`, all twelve bits; owner and group by name.

        A link stands for what it leads to. Raises `FileNotFoundException`, `InvalidRequestException` for an unknown
        owner, `PermissionDeniedException`.
        """
        self._transport.send(trees.set_permissions(path, mode=mode, owner=owner, group=group))

    def create_directory(
        self,
        path: SandboxPath,
        *,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
        parents: bool = False,
    ) -> None:
        """Make a directory, with mode 0o755 unless another is given.

        With `parents` missing ones above are made too, and one that exists will do; without, the one above must exist
        and the path must not: `FileNotFoundException`, `PathExistsException`. Raises `NotADirectoryException` when
        something else is in the way.

        Example:
            >>> sandbox.files.create_directory("/workspace/data/raw", parents=True)  # doctest: +SKIP
        """
        self._transport.send(trees.create_directory(path, mode=mode, owner=owner, group=group, parents=parents))

    def list_directory(self, path: SandboxPath, *, depth: int = 1) -> list[FileInfo]:
        """List what is in a directory, down to `depth` levels, a directory before what is in it; links stay closed.

        Raises `FileNotFoundException`, `InvalidRequestException` for what is no directory.
        """
        return trees.entries((self._transport.send(trees.list_directory(path, depth=depth))).body)

    def delete_directory(self, path: SandboxPath, *, recursive: bool = False) -> None:
        """Remove a directory; with `recursive` all that is in it too. A missing one is fine.

        Raises `DirectoryNotEmptyException`, `NotADirectoryException`, `PermissionDeniedException`.
        """
        self._transport.send(trees.delete_directory(path, recursive=recursive))

    def delete_file(self, path: SandboxPath) -> None:
        """Remove a file or a link; a missing one is fine. Raises `IsADirectoryException`."""
        self._transport.send(trees.delete_file(path))

    def move(self, src: SandboxPath, dest: SandboxPath) -> None:
        """Move a file or a directory to where there is nothing yet; directories above `dest` are made.

        Raises `FileNotFoundException`, `PathExistsException`, `NotADirectoryException`, `NoSpaceException`.
        """
        self._transport.send(trees.move(src, dest))

    def replace(self, path: SandboxPath, old: str, new: str) -> int:
        """Exchange every occurrence of a text in a file, literally and all at once, and return how many there were.

        Raises `FileNotFoundException`, `IsADirectoryException`, `PermissionDeniedException`.

        Example:
            >>> sandbox.files.replace("/workspace/app.conf", "localhost", "0.0.0.0")  # doctest: +SKIP
            2
        """
        return trees.count((self._transport.send(trees.replace(path, old, new))).body)

    # ── files on this side ───────────────────────────────────────────────────────────────────────────────────────────

    def upload(
        self,
        local: LocalPath,
        path: SandboxPath,
        *,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
        fsync: bool = False,
        progress: Progress = False,
    ) -> None:
        """Send a file of this side; a connection that breaks is taken up where it broke, for 50 s.

        The file appears at `path` when all of it is there. With `progress=True` a bar shows how far it is, in a
        terminal; a function is called with the bytes that are done and those that there are.

        Raises as `write_file` does, `StreamInterruptedException` when the daemon stays away, and `OSError` when the
        file cannot be read, or changes meanwhile.

        Example:
            >>> sandbox.files.upload("model.bin", "/workspace/model.bin", progress=True)  # doctest: +SKIP
        """
        file = in_thread(Leaving, local)
        meter = Meter(progress, name=file.name, total=file.size)
        try:
            if "chunked_upload" in self._transport.features:
                request = uploading.create(path, size=file.size, mode=mode, owner=owner, group=group, fsync=fsync)
                transfer.upload(self._transport, file, request, meter=meter)
            else:
                self.write_file(path, Path(local), mode=mode, owner=owner, group=group, fsync=fsync)
                meter.at(file.size)
        finally:
            meter.close()
            file.close()

    def download(self, path: SandboxPath, local: LocalPath, *, progress: Progress = False) -> None:
        """Fetch a file to this side; a connection that breaks is taken up where it broke, for 50 s.

        `local` is replaced when all of it is there. `progress` is as for `upload`.

        Raises as `read_file` does, `StreamInterruptedException` when the file changes or the daemon stays away, and
        `OSError` when `local` cannot be written.
        """
        total = 0
        if progress is not False:
            total = int((self._transport.send(files.head(path))).headers.get("content-length", 0))
        arriving = in_thread(Arriving, local)
        meter = Meter(progress, name=os.path.basename(os.fspath(local)), total=total)
        try:
            transfer.download(self._transport, path, arriving, meter=meter)
        finally:
            meter.close()

    def upload_directory(self, local: LocalPath, path: SandboxPath, *, ignore: Iterable[str] = ()) -> None:
        """Send what is in a directory of this side into one of the sandbox, which is made; what is there else stays.

        `ignore` has patterns of what is left out: without `/` for names at any depth (`*.pyc`, `node_modules`), with it
        for paths below the directory (`build/**`). Links that lead out of the directory are sent as what they lead to.

        Raises `NotSupportedException` where the daemon takes no archives, and `OSError` for what cannot be read.

        Example:
            >>> sandbox.files.upload_directory("src/", "/workspace/src", ignore=["*.pyc"])  # doctest: +SKIP
        """
        require(self._transport.features, "archive")
        transfer.upload_directory(self._transport, local, path, Ignored(ignore))

    def download_directory(self, path: SandboxPath, local: LocalPath, *, ignore: Iterable[str] = ()) -> None:
        """Fetch what is in a directory of the sandbox into one of this side, which is made; what is there else stays.

        `ignore` is as for `upload_directory`. A link or a name that would lead out of `local` is an `OSError`.

        Raises `FileNotFoundException`, `NotSupportedException`, `StreamInterruptedException`.
        """
        require(self._transport.features, "archive")
        transfer.download_directory(self._transport, path, local, Ignored(ignore))

    # ── more ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, path: SandboxPath, *, recursive: bool = False) -> Watch:
        """Follow what changes in a directory, with `recursive` in those below it too; a broken connection is resumed.

        Raises `FileNotFoundException`, `NotADirectoryException`, `NotSupportedException`, at the first change.

        Example:
            >>> with sandbox.files.watch("/workspace", recursive=True) as changes:  # doctest: +SKIP
            ...     for change in changes:
            ...         print(change.type, change.path)
        """
        require(self._transport.features, "watch")
        return Watch(self._transport, watching.start(path, recursive=recursive))

    def signed_url(
        self,
        path: SandboxPath,
        *,
        method: Literal["GET", "PUT"] = "GET",
        expires: float = 3600,
        max_bytes: int | None = None,
    ) -> str:
        """Return a URL by which whoever has it can download (`GET`) or upload (`PUT`) that file, without the token.

        It ends after `expires` seconds, a week at most, and with the daemon. A `PUT` takes the content as its body, at
        most `max_bytes` of it.
        """
        require(self._transport.features, "sign")
        request = trees.sign(path, method=method, expires=expires, max_bytes=max_bytes)
        return self._endpoint + trees.signed((self._transport.send(request)).body)
