"""Generated from spec/openapi.yaml by tools/generate_wire.py; do not edit. Lenient: what is unknown is let through."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field

Text: TypeAlias = Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")]


VariableName: TypeAlias = Annotated[str, Meta(pattern="\\A[^=\\u0000]+\\Z")]


DisconnectPolicy: TypeAlias = str


OverflowPolicy: TypeAlias = str


Cause: TypeAlias = str


EndCode: TypeAlias = str


StatusText: TypeAlias = str


ContextState: TypeAlias = str


class CreateContextRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What context to start."""

    language: str | None = None
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None
    envs: dict[VariableName, Text] | None = None
    context_id: Annotated[str, Meta(pattern="\\A[A-Za-z0-9_-]{1,64}\\Z")] | None = None


class ContextChoice(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The context of a run."""

    id: str | None = None
    language: str | None = None
    cwd: Annotated[str, Meta(pattern="\\A[^\\u0000]*\\Z")] | None = None


class RunCodeRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
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


class CodeContext(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A context."""

    id: str
    language: str
    cwd: str | None = None


class LanguageInfo(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A language that is installed."""

    name: str
    aliases: list[str]
    kernel: str
    version: str
    warm: int
    limits: list[str]
    warm_memory_bytes: int | None = None


class ErrorDetail(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What went wrong, in the words of whatever raised it."""

    ename: str
    evalue: str
    traceback: list[str] | None = None


class InitEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="init"):
    """The first event of a run; from here on its id works everywhere."""

    text: str
    timestamp: int


class StatusEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="status"):
    """The run has to wait, or begins in a fresh place; directly after `init`."""

    text: StatusText
    timestamp: int


class StdoutEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="stdout"):
    """Something the program wrote to standard output."""

    timestamp: int
    text: str | None = None
    data: str | None = None
    partial: bool | None = None


class StderrEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="stderr"):
    """Something the program wrote to standard error."""

    timestamp: int
    text: str | None = None
    data: str | None = None
    partial: bool | None = None


class TruncatedEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="truncated"):
    """Events that are no longer kept, or were never sent because of `max_output_bytes`, stood here; the bytes say how much of the output they held."""

    from_: int = field(name="from")
    to: int
    stdout_bytes: int
    stderr_bytes: int
    timestamp: int


class ErrorEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="error"):
    """The terminal event of a run that did not end well."""

    error: ErrorDetail
    timestamp: int
    code: EndCode | None = None
    cause: Cause | None = None
    exit_code: int | None = None
    signal: str | None = None
    details: dict[str, Any] | None = None
    state_lost: bool | None = None
    execution_time: int | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    truncated: bool | None = None


class ExecutionCompleteEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="execution_complete"):
    """The terminal event of a run that ended well. The one that ends the start of a background command has no `id:`, and of the fields below only the time."""

    timestamp: int
    cause: Cause | None = None
    exit_code: int | None = None
    signal: str | None = None
    state_lost: bool | None = None
    execution_time: int | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    truncated: bool | None = None


class ExecutionCountEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="execution_count"):
    """The number that the kernel counts a cell by."""

    execution_count: int
    timestamp: int


class ResultEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="result"):
    """The value of a cell's last expression, or something that its code displays."""

    results: dict[str, str]
    timestamp: int
    data: dict[str, Any] | None = None
    is_main_result: bool | None = None
    metadata: dict[str, Any] | None = None
    display_id: str | None = None
    update: bool | None = None


class ClearOutputEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="clear_output"):
    """What was shown so far is to be taken away."""

    wait: bool
    timestamp: int


class InputRequestEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="input_request"):
    """The code waits for a line of input."""

    prompt: str
    password: bool
    timestamp: int


class PingEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="ping"):
    """A sign of life while there is nothing else to tell."""

    text: str
    timestamp: int


class ContextStatusEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="status"):
    """Something has become of the context."""

    text: ContextState
    timestamp: int


class LateStdoutEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="stdout"):
    """Output to standard output after the end of the run that it belongs to."""

    text: str
    timestamp: int
    execution_id: str | None = None


class LateStderrEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="stderr"):
    """Output to standard error after the end of the run that it belongs to."""

    text: str
    timestamp: int
    execution_id: str | None = None


class LateResultEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="result"):
    """Something displayed after the end of the run that it belongs to."""

    results: dict[str, str]
    is_main_result: bool
    timestamp: int
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    display_id: str | None = None
    update: bool | None = None
    execution_id: str | None = None


class ContextEndEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="error"):
    """The last event of a context's stream."""

    error: ErrorDetail
    code: EndCode
    cause: Cause
    timestamp: int


ContextEvent: TypeAlias = ContextStatusEvent | LateStdoutEvent | LateStderrEvent | LateResultEvent | ClearOutputEvent | ContextEndEvent | PingEvent


Event: TypeAlias = InitEvent | StatusEvent | StdoutEvent | StderrEvent | TruncatedEvent | ExecutionCountEvent | ResultEvent | ClearOutputEvent | InputRequestEvent | ErrorEvent | ExecutionCompleteEvent | PingEvent
