"""What each call sends, decided before anything is sent; misuse ends here, as `TypeError` or `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from code_interpreter import _wire
from code_interpreter.results import CodeContext, SupportedLanguage
from opensandbox.transport import (
    BRIEF_SILENCE_S,
    DISCONNECT_GRACE_MS,
    STOP_SILENCE_S,
    Request,
    StreamRequest,
    environment,
    event_decoder,
    milliseconds,
    require,
    segment,
)

START_SILENCE_S: Final = 300.0
"""A kernel takes its time to start; the daemon has a limit of its own."""
_JSON: Final = "application/json"
_event: Final = event_decoder(_wire.Event)

Context = str | CodeContext
"""A context id, or the value that stands for one."""


def run_code(
    code: str,
    *,
    execution_id: str,
    features: AbstractSet[str],
    context_id: Context | None = None,
    language: str | None = None,
    timeout: float | None = None,
    envs: Mapping[str, str] | None = None,
    ephemeral: bool = False,
    allow_stdin: bool = False,
) -> StreamRequest[_wire.Event]:
    """Run code: in the context given, else in one of its own, else in the default one of its language (Python)."""
    if ephemeral:
        require(features, "ephemeral")
        if context_id is not None:
            raise ValueError("code runs either in a context that is there or in one of its own, not in both")
    if context_id is None and language is None:
        language = SupportedLanguage.PYTHON
    named = "execution_id" in features
    is_watched = "disconnect" in features
    body = _wire.RunCodeRequest(
        code=_text("code", code),
        context=_wire.ContextChoice(
            id=None if context_id is None else _text("context_id", str(context_id)),
            language=None if language is None else _text("language", str(language)),
        ),
        timeout=milliseconds(timeout),
        ephemeral=ephemeral or None,
        allow_stdin=allow_stdin or None,
        envs=environment(envs),
        execution_id=execution_id if named else None,
        on_disconnect="kill" if is_watched else None,
        disconnect_grace_ms=DISCONNECT_GRACE_MS if is_watched else None,
    )
    start = Request(
        method="POST", path="/code", body=msgspec.json.encode(body), content_type=_JSON, is_idempotent=named
    )  # fmt: skip
    return StreamRequest(start=start, decode=_event, execution_id=execution_id if named else None)


def interrupt_run(execution_id: str) -> Request:
    """Stop a run whose reader has left; nobody waits long for that."""
    return _interrupt(execution_id, silence_s=BRIEF_SILENCE_S)


def interrupt(context: Context) -> Request:
    """Stop what runs in a context; answered when it has ended."""
    return _interrupt(str(context), silence_s=STOP_SILENCE_S)


def _interrupt(name: str, *, silence_s: float) -> Request:
    query = (("id", name),)
    return Request(method="DELETE", path="/code", query=query, is_idempotent=True, silence_s=silence_s)


def answer(execution_id: str, text: str | None) -> Request:
    """Answer a request for input with a line, or with None: there is no more."""
    if text is not None and "\n" in text:
        raise ValueError("an answer to input() is one line")
    return Request(
        method="POST",
        path=f"/executions/{segment(execution_id)}/stdin",
        query=(("eof", "true"),) if text is None else (),
        body=b"" if text is None else f"{_text('answer', text)}\n".encode(),
        content_type="application/octet-stream",
    )


def create_context(
    language: str,
    *,
    context_id: str,
    features: AbstractSet[str],
    working_dir: str | None = None,
    envs: Mapping[str, str] | None = None,
) -> Request:
    """Start a context; answered when its kernel takes code.

    `context_id` is used where contexts take one: then the start can be repeated safely.
    """
    named = "context_id" in features
    body = _wire.CreateContextRequest(
        language=_text("language", str(language)),
        cwd=None if working_dir is None else _text("working_dir", working_dir),
        envs=environment(envs),
        context_id=context_id if named else None,
    )
    return Request(
        method="POST",
        path="/code/context",
        body=msgspec.json.encode(body),
        content_type=_JSON,
        is_idempotent=named,
        silence_s=START_SILENCE_S,
    )


def list_contexts(language: str | None) -> Request:
    """Ask for the contexts, of one language or of all."""
    query = () if language is None else (("language", str(language)),)
    return Request(method="GET", path="/code/contexts", query=query, is_idempotent=True)


def get_context(context: Context) -> Request:
    """Ask what a context is."""
    return Request(method="GET", path=_place(context), is_idempotent=True)


def delete_context(context: Context) -> Request:
    """End a context and everything that it has started; answered when that is gone."""
    return Request(
        method="DELETE",
        path=_place(context),
        is_idempotent=True,
        silence_s=STOP_SILENCE_S,
        settled_by=frozenset({"CONTEXT_NOT_FOUND"}),
    )


def restart_context(context: Context, *, features: AbstractSet[str]) -> Request:
    """Give a context a fresh kernel; answered when that takes code."""
    require(features, "restart")
    return Request(method="POST", path=f"{_place(context)}/restart", silence_s=START_SILENCE_S)


def languages() -> Request:
    """Ask which languages the sandbox has."""
    return Request(method="GET", path="/code/languages", is_idempotent=True)


def _place(context: Context) -> str:
    if not str(context):
        raise ValueError("a context id is not empty")
    return f"/code/contexts/{segment(str(context))}"


def _text(name: str, text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be text, not {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(f"{name} holds a lone surrogate, which has no UTF-8") from fault
    return text
