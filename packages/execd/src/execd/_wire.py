"""Generated from spec/openapi.yaml by tools/generate_wire.py; do not edit. Strict: what is unknown is refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field

Text: TypeAlias = Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")]


VariableName: TypeAlias = Annotated[str, Meta(pattern="\\A[^=\\u0000]+\\Z")]


class OutputMode(StrEnum):
    LINES = "lines"
    CHUNKS = "chunks"


class StdinMode(StrEnum):
    NULL = "null"
    PIPE = "pipe"


class DisconnectPolicy(StrEnum):
    KILL = "kill"
    DETACH = "detach"


class OverflowPolicy(StrEnum):
    BLOCK = "block"
    DROP_OLDEST = "drop_oldest"


class ExecutionKind(StrEnum):
    COMMAND = "command"
    CELL = "cell"
    SESSION_RUN = "session_run"
    WATCH = "watch"


class Feature(StrEnum):
    EXECUTION_ID = "execution_id"
    OUTPUT = "output"
    REPLAY = "replay"
    DISCONNECT = "disconnect"
    OVERFLOW = "overflow"
    STDIN = "stdin"
    USER = "user"
    CREATE_MODE = "create_mode"
    EPHEMERAL = "ephemeral"
    RESTART = "restart"
    LOGS = "logs"
    SIGNAL = "signal"
    MAX_OUTPUT_BYTES = "max_output_bytes"
    SESSIONS = "sessions"
    RUN_LIMITS = "run_limits"
    WRITE_ID = "write_id"
    CONTEXT_ID = "context_id"
    CHUNKED_UPLOAD = "chunked_upload"
    ARCHIVE = "archive"
    WATCH = "watch"
    SIGN = "sign"
    FSYNC = "fsync"
    DIRECTORIES = "directories"


class Cause(StrEnum):
    EXITED = "exited"
    SIGNALED = "signaled"
    NEVER_STARTED = "never_started"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    OUT_OF_MEMORY = "out_of_memory"
    COMPLETED = "completed"
    RAISED = "raised"
    KERNEL_DIED = "kernel_died"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL_ERROR = "internal_error"


class EndCode(StrEnum):
    COMMAND_FAILED = "COMMAND_FAILED"
    EXECUTION_FAILED = "EXECUTION_FAILED"
    KERNEL_DIED = "KERNEL_DIED"
    EXECUTION_TIMEOUT = "EXECUTION_TIMEOUT"
    INTERRUPTED = "INTERRUPTED"
    CANCELLED = "CANCELLED"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    RUNTIME_ERROR = "RUNTIME_ERROR"


class StatusText(StrEnum):
    QUEUED = "queued"
    RESTARTED = "restarted"


class ContextState(StrEnum):
    BUSY = "busy"
    IDLE = "idle"
    DEAD = "dead"
    RESTARTED = "restarted"


class FileType(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"


Mode1: TypeAlias = Annotated[int, Meta(ge=0, le=7777)]


Mode2: TypeAlias = Annotated[str, Meta(pattern="^(0o)?0?[0-7]{1,4}$")]


Mode: TypeAlias = Mode1 | Mode2


class ErrorCode(StrEnum):
    INVALID_REQUEST_BODY = "INVALID_REQUEST_BODY"
    MISSING_QUERY = "MISSING_QUERY"
    INVALID_QUERY = "INVALID_QUERY"
    INVALID_FILE = "INVALID_FILE"
    INVALID_FILE_METADATA = "INVALID_FILE_METADATA"
    INVALID_FILE_CONTENT = "INVALID_FILE_CONTENT"
    LANGUAGE_NOT_SUPPORTED = "LANGUAGE_NOT_SUPPORTED"
    UNAUTHORIZED = "UNAUTHORIZED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    FORBIDDEN_ORIGIN = "FORBIDDEN_ORIGIN"
    FILE_NOT_FOUND = "FILE_NOT_FOUND"
    COMMAND_NOT_FOUND = "COMMAND_NOT_FOUND"
    CONTEXT_NOT_FOUND = "CONTEXT_NOT_FOUND"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    EXECUTION_NOT_FOUND = "EXECUTION_NOT_FOUND"
    UPLOAD_NOT_FOUND = "UPLOAD_NOT_FOUND"
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TIMEOUT = "BODY_TIMEOUT"
    NOT_A_DIRECTORY = "NOT_A_DIRECTORY"
    IS_A_DIRECTORY = "IS_A_DIRECTORY"
    PATH_EXISTS = "PATH_EXISTS"
    DIRECTORY_NOT_EMPTY = "DIRECTORY_NOT_EMPTY"
    ALREADY_FINISHED = "ALREADY_FINISHED"
    EXECUTION_CONFLICT = "EXECUTION_CONFLICT"
    STDIN_CLOSED = "STDIN_CLOSED"
    OFFSET_MISMATCH = "OFFSET_MISMATCH"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RANGE_NOT_SATISFIABLE = "RANGE_NOT_SATISFIABLE"
    LIMIT_REACHED = "LIMIT_REACHED"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    EXECD_NOT_READY = "EXECD_NOT_READY"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    NO_SPACE = "NO_SPACE"


class RunCommandRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What to run, and how its output and its readers are treated."""

    command: (
        Annotated[str, Meta(pattern="\\A\\s*[^\\s\\u0000][^\\u0000]*\\Z")] | None
    ) = None
    argv: Annotated[list[Text], Meta(min_length=1)] | None = None
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    background: bool | None = None
    timeout: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    uid: Annotated[int, Meta(ge=0, le=4294967294)] | None = None
    gid: Annotated[int, Meta(ge=0, le=4294967294)] | None = None
    user: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    envs: dict[VariableName, Text] | None = None
    stdin: StdinMode | None = None
    max_output_bytes: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    memory_limit_bytes: Annotated[int, Meta(ge=1048576, le=9007199254740992)] | None = (
        None
    )
    pids_limit: Annotated[int, Meta(ge=1, le=4194304)] | None = None
    output: OutputMode | None = None
    on_disconnect: DisconnectPolicy | None = None
    disconnect_grace_ms: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    on_overflow: OverflowPolicy | None = None
    execution_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = (
        None
    )


class SignalRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Which signal to send."""

    signal: Annotated[str, Meta(pattern="\\ASIG[A-Z0-9]{1,16}\\Z")]


class CreateSessionRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Where the shell starts, and with which variables."""

    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    envs: dict[VariableName, Text] | None = None
    session_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = None


class RunInSessionRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What to run in a session, and how its output and its readers are treated."""

    command: Annotated[str, Meta(pattern="\\A\\s*[^\\s\\u0000][^\\u0000]*\\Z")]
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    timeout: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    max_output_bytes: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    output: OutputMode | None = None
    on_disconnect: DisconnectPolicy | None = None
    disconnect_grace_ms: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    on_overflow: OverflowPolicy | None = None
    execution_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = (
        None
    )


class SessionCreated(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A new session."""

    session_id: str


class CreateContextRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What context to start."""

    language: str | None = None
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    envs: dict[VariableName, Text] | None = None
    context_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = None


class ContextChoice(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The context of a run."""

    id: str | None = None
    language: str | None = None
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None


class RunCodeRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What code to run, where, and how its readers are treated."""

    code: str
    context: ContextChoice | None = None
    timeout: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    ephemeral: bool | None = None
    allow_stdin: bool | None = None
    envs: dict[VariableName, Text] | None = None
    execution_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = (
        None
    )
    on_disconnect: DisconnectPolicy | None = None
    disconnect_grace_ms: Annotated[int, Meta(ge=0, le=9007199254740992)] | None = None
    on_overflow: OverflowPolicy | None = None


class CodeContext(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A context."""

    id: str
    language: str
    cwd: str


class LanguageInfo(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A language that is installed."""

    name: str
    aliases: list[str]
    kernel: str
    version: str
    warm: int
    limits: list[str]
    warm_memory_bytes: int | None = None


class UploadMetadata(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Where one uploaded file goes, and whose it is."""

    path: Annotated[str, Meta(pattern="\\A[^\\u0000]+\\Z")]
    owner: str | None = None
    group: str | None = None
    mode: Mode | None = None
    create_mode: Mode | None = None
    fsync: bool | None = None


class CreateUploadRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Where the content goes, how much it is, and whose."""

    path: Annotated[str, Meta(pattern="\\A[^\\u0000]+\\Z")]
    size: Annotated[int, Meta(ge=0)]
    owner: str | None = None
    group: str | None = None
    mode: Mode | None = None
    create_mode: Mode | None = None
    fsync: bool | None = None


class CompleteUploadRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What the content has to be."""

    sha256: Annotated[str, Meta(pattern="\\A[0-9A-Fa-f]{64}\\Z")] | None = None


class Method(StrEnum):
    GET = "GET"
    PUT = "PUT"


class SignRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What is opened, and for how long."""

    method: Method
    path: Annotated[str, Meta(pattern="\\A[^\\u0000]+\\Z")]
    expires_s: Annotated[int, Meta(ge=1, le=604800)]
    max_bytes: Annotated[int, Meta(ge=0)] | None = None


class SignedUrl(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A signed request."""

    url: str


class UploadState(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """How far an upload is."""

    upload_id: str
    offset: int
    size: int


class Permission(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Whose an entry is to be and with which mode; what is absent stays."""

    owner: str | None = None
    group: str | None = None
    mode: Mode | None = None


PermissionMap: TypeAlias = dict[str, Permission]


class Move(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """From where to where."""

    src: Annotated[str, Meta(pattern="\\A[^\\u0000]+\\Z")]
    dest: Annotated[str, Meta(pattern="\\A[^\\u0000]+\\Z")]


class Replacement(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Text and what takes its place."""

    old: str
    new: str


ReplacementMap: TypeAlias = dict[str, Replacement]


class ReplacementCount(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """How often a text was found."""

    replacedCount: int


ReplacementCounts: TypeAlias = dict[str, ReplacementCount]


class FileInfo(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of the file system."""

    path: str
    type: FileType
    size: int
    modified_at: str
    created_at: str
    owner: str
    group: str
    mode: int
    path_b64: str | None = None
    target: str | None = None


FileInfoMap: TypeAlias = dict[str, FileInfo]


class VersionInfo(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What the daemon is and what it offers."""

    version: str
    api_version: str
    features: list[Feature]
    languages: list[str]


class CommandStatus(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The state of a command; its end is told once it has ended."""

    id: str
    content: str
    running: bool
    started_at: str
    background: bool
    exit_code: int | None = None
    error: str | None = None
    finished_at: str | None = None
    cause: Cause | None = None
    signal: str | None = None
    pid: int | None = None


class Execution(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """All that is known of one run."""

    id: str
    kind: ExecutionKind
    content: str
    running: bool
    started_at: str
    background: bool
    first_event: int
    last_event: int
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    finished_at: str | None = None
    cause: Cause | None = None
    exit_code: int | None = None
    signal: str | None = None
    error: str | None = None
    pid: int | None = None
    output: OutputMode | None = None


class ExecutionList(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One page of executions."""

    executions: list[Execution]
    next_cursor: str | None = None


class Metrics(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What the sandbox used at one moment."""

    cpu_count: float
    cpu_used_pct: float
    mem_total_mib: float
    mem_used_mib: float
    timestamp: int
    mem_used_pct: float
    mem_cache_mib: float
    swap_used_mib: float
    disk_total_mib: float
    disk_used_mib: float
    net_rx_bytes: int
    net_tx_bytes: int
    pids: int
    oom_kills: int
    cpu_throttled_pct: float
    uptime_s: float
    pids_limit: int | None = None


class ErrorBody(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request was refused."""

    code: ErrorCode
    message: str
    request_id: str
    details: dict[str, Any] | None = None


class NotReadyDetails(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The `details` of `EXECD_NOT_READY`."""

    waiting_for: list[str]


class ErrorDetail(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What went wrong, in the words of whatever raised it."""

    ename: str
    evalue: str
    traceback: list[str]


class InitEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="init"):
    """The first event of a run; from here on its id works everywhere."""

    text: str
    timestamp: int


class StatusEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="status"):
    """The run has to wait, or begins in a fresh place; directly after `init`."""

    text: StatusText
    timestamp: int


class StdoutEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="stdout"):
    """Something the program wrote to standard output."""

    timestamp: int
    text: str | None = None
    data: str | None = None
    partial: bool | None = None


class StderrEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="stderr"):
    """Something the program wrote to standard error."""

    timestamp: int
    text: str | None = None
    data: str | None = None
    partial: bool | None = None


class TruncatedEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="truncated"):
    """Events that are no longer kept, or were never sent because of `max_output_bytes`, stood here; the bytes say how much of the output they held."""

    from_: int = field(name="from")
    to: int
    stdout_bytes: int
    stderr_bytes: int
    timestamp: int


class ErrorEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="error"):
    """The terminal event of a run that did not end well."""

    error: ErrorDetail
    code: EndCode
    cause: Cause
    execution_time: int
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    timestamp: int
    exit_code: int | None = None
    signal: str | None = None
    details: dict[str, Any] | None = None
    state_lost: bool | None = None


class ExecutionCompleteEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="execution_complete"):
    """The terminal event of a run that ended well. The one that ends the start of a background command has no `id:`, and of the fields below only the time."""

    execution_time: int
    timestamp: int
    cause: Cause | None = None
    exit_code: int | None = None
    signal: str | None = None
    state_lost: bool | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    truncated: bool | None = None


class ExecutionCountEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="execution_count"):
    """The number that the kernel counts a cell by."""

    execution_count: int
    timestamp: int


class ResultEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="result"):
    """The value of a cell's last expression, or something that its code displays."""

    results: dict[str, str]
    is_main_result: bool
    timestamp: int
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    display_id: str | None = None
    update: bool | None = None


class ClearOutputEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="clear_output"):
    """What was shown so far is to be taken away."""

    wait: bool
    timestamp: int


class InputRequestEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="input_request"):
    """The code waits for a line of input."""

    prompt: str
    password: bool
    timestamp: int


class PingEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="ping"):
    """A sign of life while there is nothing else to tell."""

    text: str
    timestamp: int


class MetricsEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="metrics"):
    """One sample of the metrics stream."""

    cpu_count: float
    cpu_used_pct: float
    mem_total_mib: float
    mem_used_mib: float
    timestamp: int
    mem_used_pct: float
    mem_cache_mib: float
    swap_used_mib: float
    disk_total_mib: float
    disk_used_mib: float
    net_rx_bytes: int
    net_tx_bytes: int
    pids: int
    oom_kills: int
    cpu_throttled_pct: float
    uptime_s: float
    pids_limit: int | None = None


MetricsStreamEvent: TypeAlias = MetricsEvent | ErrorEvent | PingEvent


class ContextStatusEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="status"):
    """Something has become of the context."""

    text: ContextState
    timestamp: int


class LateStdoutEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="stdout"):
    """Output to standard output after the end of the run that it belongs to."""

    text: str
    timestamp: int
    execution_id: str | None = None


class LateStderrEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="stderr"):
    """Output to standard error after the end of the run that it belongs to."""

    text: str
    timestamp: int
    execution_id: str | None = None


class LateResultEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="result"):
    """Something displayed after the end of the run that it belongs to."""

    results: dict[str, str]
    is_main_result: bool
    timestamp: int
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    display_id: str | None = None
    update: bool | None = None
    execution_id: str | None = None


class ContextEndEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="error"):
    """The last event of a context's stream."""

    error: ErrorDetail
    code: EndCode
    cause: Cause
    timestamp: int


ContextEvent: TypeAlias = ContextStatusEvent | LateStdoutEvent | LateStderrEvent | LateResultEvent | ClearOutputEvent | ContextEndEvent | PingEvent


class CreatedEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="created"):
    """There is something new."""

    path: str
    timestamp: int
    path_b64: str | None = None


class ModifiedEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="modified"):
    """Content or rights have changed."""

    path: str
    timestamp: int
    path_b64: str | None = None


class RemovedEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="removed"):
    """Something is gone."""

    path: str
    timestamp: int
    path_b64: str | None = None


class MovedEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="moved"):
    """Something has another path."""

    src: str
    dest: str
    timestamp: int
    src_b64: str | None = None
    dest_b64: str | None = None


class OverflowEvent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="overflow"):
    """More has happened than could be told; look for yourself."""

    timestamp: int


WatchEvent: TypeAlias = InitEvent | TruncatedEvent | CreatedEvent | ModifiedEvent | RemovedEvent | MovedEvent | OverflowEvent | ErrorEvent | ExecutionCompleteEvent | PingEvent


Event: TypeAlias = InitEvent | StatusEvent | StdoutEvent | StderrEvent | TruncatedEvent | ExecutionCountEvent | ResultEvent | ClearOutputEvent | InputRequestEvent | ErrorEvent | ExecutionCompleteEvent | PingEvent
