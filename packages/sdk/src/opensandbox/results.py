"""What calls return: frozen values with readable reprs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from opensandbox._output import Output, OutputLine, OutputLines, Stream

__all__ = [
    "BackgroundCommand",
    "CommandOutput",
    "CommandStatus",
    "Execution",
    "ExecutionError",
    "FileChange",
    "FileInfo",
    "Logs",
    "Metrics",
    "Output",
    "OutputLine",
    "OutputLines",
    "Stream",
    "Version",
]

_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The output of a run as lines, one sequence for each stream."""

    stdout: OutputLines
    stderr: OutputLines


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionError:
    """How the sandbox describes an end that was no success."""

    name: str
    value: str
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A run that ended, or (in an exception that says so) what came of one.

    Example:
        >>> execution = await sandbox.commands.run("echo hi")  # doctest: +SKIP
        >>> execution.stdout, execution.exit_code  # doctest: +SKIP
        ('hi\\n', 0)
    """

    id: str
    exit_code: int | None = None
    """Present only if the program exited by itself; a signal leaves none."""
    cause: str | None = None
    """`exited`, `signaled`, `timed_out`, `interrupted`, …; None while the end is not known."""
    signal: str | None = None
    """Name of the signal that ended the program, such as `SIGSEGV`."""
    duration: float | None = None
    """Seconds from start to end."""
    truncated: bool = False
    """Whether the sandbox had to drop output: what is here is not all of it."""
    error: ExecutionError | None = None
    output: tuple[Output, Output] = field(repr=False)

    @property
    def stdout(self) -> str:
        """The whole standard output; bytes that are not valid UTF-8 appear as U+FFFD."""
        return self.output[0].text

    @property
    def stderr(self) -> str:
        """The whole standard error; bytes that are not valid UTF-8 appear as U+FFFD."""
        return self.output[1].text

    @property
    def stdout_bytes(self) -> bytes:
        """The exact bytes of standard output."""
        return self.output[0].data

    @property
    def stderr_bytes(self) -> bytes:
        """The exact bytes of standard error."""
        return self.output[1].data

    @property
    def logs(self) -> Logs:
        """The output as lines, made as they are asked for."""
        return Logs(stdout=OutputLines(self.output[0]), stderr=OutputLines(self.output[1]))

    def __repr__(self) -> str:
        """Show the end and the beginning of the output."""
        end = f"exit_code={self.exit_code}" if self.signal is None else f"signal={self.signal!r}"
        more = ", truncated=True" if self.truncated else ""
        return (
            f"Execution(id={self.id!r}, cause={self.cause!r}, {end}, duration={self.duration}{more}, "
            f"stdout={_short(self.stdout)}, stderr={_short(self.stderr)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundCommand:
    """A command that goes on by itself; good wherever an execution id is, in another process too."""

    id: str

    def __str__(self) -> str:
        """Return the execution id."""
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStatus:
    """How a command stands."""

    id: str
    command: str
    is_running: bool
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    signal: str | None = None
    cause: str | None = None
    error: str | None = None
    background: bool | None = None
    pid: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the command has ended, in whatever way."""
        return not self.is_running


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """What a command has written from one place to another.

    Example:
        >>> output = await sandbox.commands.get_output(session)  # doctest: +SKIP
        >>> more = await sandbox.commands.get_output(session, cursor=output.cursor)  # doctest: +SKIP
    """

    stdout_bytes: bytes = field(repr=False)
    """The exact bytes of standard output; of both streams from a daemon that does not keep them apart."""
    stderr_bytes: bytes = field(repr=False)
    """The exact bytes of standard error."""
    cursor: int
    """Where this ends: asks for what is new."""
    truncated: bool = False
    """Whether what came directly after the cursor that was asked for is no longer kept."""

    @property
    def stdout(self) -> str:
        """Standard output as text; bytes that are not valid UTF-8 appear as U+FFFD."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """Standard error as text; bytes that are not valid UTF-8 appear as U+FFFD."""
        return self.stderr_bytes.decode(errors="replace")

    def __repr__(self) -> str:
        """Show the beginning of the output, and where it ends."""
        more = ", truncated=True" if self.truncated else ""
        return f"CommandOutput(cursor={self.cursor}{more}, stdout={_short(self.stdout)}, stderr={_short(self.stderr)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a daemon says of itself; a daemon without `/version` has no features."""

    version: str = ""
    api_version: str = ""
    features: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One entry of the sandbox's file system."""

    path: str
    """Absolute; a byte that is no UTF-8 is a lone surrogate, as in Python's own paths."""
    size: int
    """Bytes."""
    mode: int
    """The permission bits, all twelve: `oct(info.mode) == "0o644"`."""
    owner: str
    """The user's name, or number as text."""
    group: str
    """The group's name, or number as text."""
    mtime: datetime | None = None
    """When the content was last changed; aware, UTC."""
    created: datetime | None = None
    """When the entry was made, or last changed in any way where that is not known."""
    type: str | None = None
    """`file`, `directory`, `symlink` or `other`; None where the daemon does not tell."""
    target: str | None = None
    """What a link says."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2] or self.path

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory; a link to one is none."""
        return self.type == "directory"

    def __repr__(self) -> str:
        """Show what is there, with its mode as people write modes."""
        more = "" if self.target is None else f", target={self.target!r}"
        return (
            f"FileInfo(path={self.path!r}, type={self.type!r}, size={self.size}, mode={oct(self.mode)}, "
            f"owner={self.owner!r}, group={self.group!r}, mtime={self.mtime}{more})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """Something that happened to a file or a directory."""

    type: str
    """`created`, `modified`, `removed`, `moved`, or `overflow`: more happened than could be told, look for yourself."""
    path: str
    """Absolute; of a move where it went, empty for an overflow."""
    src: str | None = None
    """Of a move where it was."""
    timestamp: datetime | None = None
    """When the daemon saw it; aware, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What the sandbox uses at one moment, of what it may use; None where the daemon does not tell."""

    cpu_count: float
    """Processors; a quota makes it fractional."""
    cpu_percent: float
    """Use of those in the last second, 0 to 100."""
    memory_total_in_mib: float
    memory_used_in_mib: float
    """Without the page cache that can be given up at once."""
    memory_percent: float
    timestamp: datetime
    """Aware, UTC."""
    memory_cache_in_mib: float | None = None
    swap_used_in_mib: float | None = None
    disk_total_in_mib: float | None = None
    """Of the file system that holds the working directory."""
    disk_used_in_mib: float | None = None
    net_received_bytes: int | None = None
    """By all interfaces but the loopback, so far."""
    net_sent_bytes: int | None = None
    pids: int | None = None
    """Processes and threads."""
    pids_limit: int | None = None
    """None without a limit."""
    oom_kills: int | None = None
    """Processes that were killed because memory ran out, so far."""
    cpu_throttled_percent: float | None = None
    """How much of the last second the quota held processes up."""
    uptime: float | None = None
    """Seconds since the sandbox started."""


def _short(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text)} characters)"
