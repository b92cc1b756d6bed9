"""What each call sends; misuse ends before anything is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from code_interpreter import CodeContext, SupportedLanguage
from code_interpreter._core import calls, decode
from opensandbox.exceptions import NotSupportedException, SandboxConnectionException
from opensandbox.transport import DISCONNECT_GRACE_MS

CURRENT = frozenset({"execution_id", "replay", "disconnect", "ephemeral", "restart"})
CONTEXT = CodeContext(context_id="c/1", language="python")


def body(code: str = "x", *, features: frozenset[str] = CURRENT, **arguments: Any) -> Any:
    return json.loads(calls.run_code(code, execution_id="e1", features=features, **arguments).start.body)


def test_a_run_is_named_watched_and_in_python_by_default() -> None:
    request = calls.run_code("1 + 1", execution_id="e1", features=CURRENT)
    assert json.loads(request.start.body) == {
        "code": "1 + 1", "context": {"language": "python"}, "execution_id": "e1", "on_disconnect": "kill",
        "disconnect_grace_ms": DISCONNECT_GRACE_MS,
    }  # fmt: skip
    assert request.execution_id == "e1"
    assert request.start.is_idempotent


@pytest.mark.parametrize("context", ["c/1", CONTEXT])
def test_a_run_in_a_context_leaves_the_language_to_it(context: calls.Context) -> None:
    assert body(context_id=context)["context"] == {"id": "c/1"}
    assert body(context_id=context, language="go")["context"] == {"id": "c/1", "language": "go"}


def test_what_is_asked_for_is_sent() -> None:
    sent = body(
        language=SupportedLanguage.BASH, timeout=1.5, envs={"A": "1"}, ephemeral=True, allow_stdin=True
    )  # fmt: skip
    assert (sent["context"], sent["timeout"], sent["envs"]) == ({"language": "bash"}, 1500, {"A": "1"})
    assert sent["ephemeral"]
    assert sent["allow_stdin"]


def test_a_daemon_without_extensions_gets_none() -> None:
    request = calls.run_code("x", execution_id="e1", features=frozenset())
    assert json.loads(request.start.body) == {"code": "x", "context": {"language": "python"}}
    assert request.execution_id is None
    assert not request.start.is_idempotent
    with pytest.raises(NotSupportedException, match="ephemeral"):
        body(features=frozenset(), ephemeral=True)
    with pytest.raises(NotSupportedException, match="restart"):
        calls.restart_context("c1", features=frozenset())


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"timeout": 0}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"envs": {"A=B": "1"}}, ValueError),
        ({"envs": {"": "1"}}, ValueError),
        ({"context_id": "c1", "ephemeral": True}, ValueError),
        ({"language": 3}, None),
        ({"envs": {"A": 1}}, TypeError),
    ],
)
def test_misuse_ends_before_anything_is_sent(arguments: dict[str, Any], fault: type[Exception] | None) -> None:
    if fault is None:
        assert body(**arguments)["context"] == {"language": "3"}
        return
    with pytest.raises(fault):
        body(**arguments)


def test_code_is_text_that_json_can_hold() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        body("\ud800")
    with pytest.raises(TypeError, match="code must be text"):
        body(b"x")  # type: ignore[arg-type]


def test_contexts_are_named_in_the_path() -> None:
    for context in ("c/1", CONTEXT):
        assert calls.get_context(context).path == "/code/contexts/c%2F1"
        assert calls.delete_context(context).path == "/code/contexts/c%2F1"
        assert calls.restart_context(context, features=CURRENT).path == "/code/contexts/c%2F1/restart"
        assert calls.interrupt(context).query == (("id", "c/1"),)
    with pytest.raises(ValueError, match="not empty"):
        calls.get_context("")


def test_a_context_is_asked_for_with_its_place_and_variables() -> None:
    request = calls.create_context(
        SupportedLanguage.PYTHON, context_id="c", features=frozenset(), working_dir="/work", envs={"A": "1"}
    )
    assert json.loads(request.body) == {"language": "python", "cwd": "/work", "envs": {"A": "1"}}
    assert not request.is_idempotent
    plain = calls.create_context("go", context_id="c", features=frozenset())
    assert (json.loads(plain.body), plain.is_idempotent) == ({"language": "go"}, False)
    named = calls.create_context("go", context_id="c", features=frozenset({"context_id"}))
    assert (json.loads(named.body), named.is_idempotent) == ({"language": "go", "context_id": "c"}, True)


def test_contexts_may_be_listed_by_language() -> None:
    assert calls.list_contexts(None).query == ()
    assert calls.list_contexts(SupportedLanguage.GO).query == (("language", "go"),)


def test_an_answer_is_one_line_or_the_end() -> None:
    assert calls.answer("e1", "Ada").body == b"Ada\n"
    assert calls.answer("e1", None).query == (("eof", "true"),)
    with pytest.raises(ValueError, match="one line"):
        calls.answer("e1", "a\nb")


def test_bodies_become_values() -> None:
    told = {"id": "c1", "language": "python", "cwd": "/work"}
    assert decode.context(json.dumps(told).encode()) == CodeContext(
        context_id="c1", language="python", working_dir="/work"
    )
    assert [str(each) for each in decode.contexts(json.dumps([told, {"id": "c2", "language": "go"}]).encode())] == [
        "c1", "c2",
    ]  # fmt: skip
    language = {"name": "go", "aliases": ["golang"], "kernel": "k", "version": "1", "warm": 0, "limits": ["envs"]}
    (read,) = decode.languages(json.dumps([language]).encode())
    assert (read.name, read.aliases, read.limits) == ("go", ("golang",), ("envs",))
    with pytest.raises(SandboxConnectionException, match="cannot be read"):
        decode.contexts(b"{}")
