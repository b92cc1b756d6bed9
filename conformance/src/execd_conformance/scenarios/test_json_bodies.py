"""JSON bodies: one value, UTF-8, every field known and of its type, and a message that names the one that is not."""

from __future__ import annotations

import json
from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import bare
from execd_conformance.scenarios.refusals import REFUSALS, ask, fields, message, refused, still_serves, well_formed

_HI: Final = '{"command":"echo hi"}'
_UNKNOWN: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("/command", {"command": "true", "nope": 1}, "nope"),
    ("/command", {"command": "true", "Command": "true"}, "Command"),
    ("/command", {"command": "true", "nope": None}, "nope"),
    ("/code", {"code": "1", "nope": 1}, "nope"),
    ("/code", {"code": "1", "context": {"language": "python", "nope": 1}}, "context.nope"),
    ("/code/context", {"language": "python", "nope": {}}, "nope"),
)
_WRONG: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("/command", {"command": 1}, "command"),
    ("/command", {"command": ["true"]}, "command"),
    ("/command", {"argv": "true"}, "argv"),
    ("/command", {"argv": ["true", 1]}, "argv[1]"),
    ("/command", {"command": "true", "timeout": "5"}, "timeout"),
    ("/command", {"command": "true", "timeout": 1.5}, "timeout"),
    ("/command", {"command": "true", "timeout": True}, "timeout"),
    ("/command", {"command": "true", "envs": ["A=1"]}, "envs"),
    ("/command", {"command": "true", "envs": {"A": 1}}, "envs"),
    ("/command", {"command": "true", "cwd": 1}, "cwd"),
    ("/command", {"command": "true", "uid": "0"}, "uid"),
    ("/command", {"command": "true", "stdin": "file"}, "stdin"),
    ("/command", {"command": "true", "output": 1}, "output"),
    ("/code", {"code": None}, "code"),
    ("/code", {"code": "1", "context": "python"}, "context"),
    ("/code", {"code": "1", "context": {"language": 1}}, "context.language"),
    ("/code", {"code": "1", "ephemeral": "yes"}, "ephemeral"),
    ("/code/context", {"language": 1}, "language"),
    ("/code/context", {"language": "python", "envs": {"A": None}}, "envs"),
)
_NOT_ONE_VALUE: Final = (
    "",
    " ",
    "\n",
    "null",
    "true",
    "1",
    '"echo hi"',
    "[]",
    "{",
    "}",
    '{"command":}',
    "{'command':1}",
    "echo",
)
_TRAILING: Final = (_HI + "x", _HI + _HI, _HI + "\n{}", _HI + ",", _HI + "]", _HI + "\0", _HI + "// no")
_NULLS: Final = ("cwd", "background", "timeout", "uid", "gid", "envs")
"""What may be absent in the API that deployed clients know."""
_MORE_NULLS: Final = (
    "argv",
    "user",
    "stdin",
    "output",
    "max_output_bytes",
    "on_disconnect",
    "disconnect_grace_ms",
    "on_overflow",
    "execution_id",
)


@scenario("general", "json.unknown-field", "json.wrong-type", "json.field-path", *REFUSALS)
async def test_a_wrong_field_is_refused_and_named(checks: Checks, raw: Raw) -> None:
    """Unknown fields and wrong types, outer and inner ones, on every route that takes JSON."""
    for requirement, cases in (("json.unknown-field", _UNKNOWN), ("json.wrong-type", _WRONG)):
        for path, body, field in cases:
            reply = await ask(raw, "POST", path, json=body)
            refused(checks, requirement, reply, 400, "INVALID_REQUEST_BODY", of=(path, body))
            checks.that("json.field-path", field in message(reply), saw=(field, reply))


@scenario("general", "json.one-value", "json.trailing-bytes", "json.utf-8", "json.refused-without-effect", *REFUSALS)
async def test_a_body_is_one_value_in_utf_8(checks: Checks, raw: Raw, folder: str) -> None:
    """No value, more than one, other bytes: refused, and nothing is run."""
    for path in ("/command", "/code"):
        for body in _NOT_ONE_VALUE:
            reply = await ask(raw, "POST", path, content=body.encode())
            refused(checks, "json.one-value", reply, 400, "INVALID_REQUEST_BODY", of=(path, body))
    make = json.dumps({"command": f"mkdir {folder}/ran"})
    for wrapped in (f"[{make}]", f'{{"body":{make}}}', json.dumps(make)):
        reply = await ask(raw, "POST", "/command", content=wrapped.encode())
        refused(checks, "json.one-value", reply, 400, "INVALID_REQUEST_BODY", of=wrapped)
    for body in (*_TRAILING, make + "x", make + make):
        reply = await ask(raw, "POST", "/command", content=body.encode())
        refused(checks, "json.trailing-bytes", reply, 400, "INVALID_REQUEST_BODY", of=body)
    for encoded in not_utf_8(make):
        reply = await ask(raw, "POST", "/command", content=encoded)
        refused(checks, "json.utf-8", reply, 400, "INVALID_REQUEST_BODY", of=encoded)
    ran = await raw.run(f"ls {folder}")
    checks.equal("json.refused-without-effect", ran.stdout, "")


def not_utf_8(body: str) -> list[bytes]:
    """Return the same body with bytes that are not UTF-8, in a value, a name, and everywhere."""
    wrong = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
    inside = [body.encode()[:-2] + each + b'"}' for each in wrong]
    named = [body.encode()[:-1] + b',"' + wrong[0] + b'":1}', body.encode() + wrong[0]]
    return [*inside, *named, body.encode("utf-16"), body.encode("utf-32-le")]


@scenario("general", "json.served", "json.null-absent", profiles=("compat",))
async def test_a_body_is_taken_with_white_space_and_nulls(checks: Checks, raw: Raw) -> None:
    """What deployed clients send: white space, escapes, `null` for what they do not set."""
    bodies = (_HI, f" \r\n\t{_HI}\n\n ", '{ "command" :\n"echo hi" }', '{"c\\u006fmmand":"echo \\u0068i"}')
    for body in bodies:
        events = await raw.events("POST", "/command", content=body.encode())
        checks.equal("json.served", [event.get("text") for event in events if event.type == "stdout"], ["hi"])
    for names in ((), *((name,) for name in _NULLS), _NULLS):
        body = json.dumps({"command": "echo hi", **dict.fromkeys(names)})
        async with raw.stream("POST", "/command", content=body.encode()) as stream:
            events = [event async for event in stream]
        said = [event.get("text") for event in events if event.type == "stdout"]
        checks.that("json.null-absent", stream.status == 200 and said == ["hi"], saw=(names, stream.problem))


@scenario("general", "json.null-absent", features=("output", "stdin", "disconnect", "overflow", "execution_id"))
async def test_null_is_absent_for_extensions_too(checks: Checks, raw: Raw) -> None:
    """Every optional field of `POST /command`, each by itself and all at once, and those of a context."""
    for names in (*((name,) for name in _MORE_NULLS), _NULLS + _MORE_NULLS):
        async with raw.stream("POST", "/command", json={"command": "echo hi", **dict.fromkeys(names)}) as stream:
            said = [event.get("text") async for event in stream if event.type == "stdout"]
        checks.that("json.null-absent", stream.status == 200 and said == ["hi"], saw=(names, said, stream.problem))
    nulls = {"language": "cobol", "cwd": None, "envs": None}
    reply = await raw.request("POST", "/code/context", json=nulls)
    checks.that("json.null-absent", reply.code == "LANGUAGE_NOT_SUPPORTED", saw=reply)


@scenario("general", "json.never-a-fault", "errors.never-500", "errors.never-a-hang", *REFUSALS, limit_s=60)
async def test_no_body_hurts(checks: Checks, raw: Raw) -> None:
    """Bombs and oddities are served or refused, soon, and the daemon lives on."""
    for name, body in bombs().items():
        for path in ("/command", "/code", "/code/context"):
            reply = await ask(raw, "POST", path, content=body)
            well_formed(checks, reply, of=(name, path))
            checks.that("json.never-a-fault", reply.status in (200, 400), saw=(name, path, reply))
            checks.that("errors.never-500", reply.status < 500, saw=(name, path, reply))
        checks.that("errors.never-a-hang", await still_serves(raw), saw=name)


def bombs() -> dict[str, bytes]:
    """Return bodies that may do harm to who reads them carelessly."""
    deep = 200_000
    return {
        "nested arrays": b"[" * deep + b"]" * deep,
        "open arrays": b"[" * deep,
        "nested objects": b'{"a":' * deep + b"1" + b"}" * deep,
        "nested in a field": b'{"command":' + b"[" * deep + b"]" * deep + b"}",
        "nested in an unknown field": b'{"command":"true","nope":' + b"[" * deep + b"]" * deep + b"}",
        "a huge number": b'{"command":"true","timeout":' + b"9" * 100_000 + b"}",
        "an infinite number": b'{"command":"true","timeout":1e999999}',
        "a tiny number": b'{"command":"true","timeout":1e-999999}',
        "a negative number": b'{"command":"true","timeout":-1}',
        "not a number": b'{"command":"true","timeout":NaN}',
        "half a character": b'{"command":"echo \\ud800"}',
        "halves the wrong way round": b'{"command":"echo \\udc00\\ud800"}',
        "a broken escape": b'{"command":"echo \\u12"}',
        "a bare control character": b'{"command":"echo \x01"}',
        "a doubled key": b'{"command":"true","command":"true"}',
        "a byte order mark": b'\xef\xbb\xbf{"command":"true"}',
        "a long key": b'{"' + b"k" * 1_000_000 + b'":1}',
        "many keys": b"{" + b",".join(b'"k%d":1' % number for number in range(50_000)) + b"}",
    }


@scenario("general", "empty.context-without-language", "empty.context", *REFUSALS, needs=("start",), limit_s=60)
async def test_a_context_may_be_asked_for_without_a_body(checks: Checks, daemons: Daemons) -> None:
    """With a default language it is started; without one it is 400, empty or not."""
    async with daemons() as other:
        for body in (b"", b"{}"):
            reply = await other.raw.request("POST", "/code/context", content=body)
            refused(checks, "empty.context-without-language", reply, 400, "INVALID_REQUEST_BODY", of=body)
        refused(checks, "empty.context-without-language", await bodiless(other.raw), 400, "INVALID_REQUEST_BODY")
    async with daemons(default_language="python") as other:
        for reply in (await bodiless(other.raw), await other.raw.request("POST", "/code/context", timeout_s=25)):
            checks.that("empty.context", reply.status == 200 and is_python(reply), saw=reply)


async def bodiless(raw: Raw) -> Reply:
    """Return the answer to a `POST /code/context` that has not even a length."""
    async with bare(raw) as connection:
        await connection.send(connection.head("POST", "/code/context"))
        return await connection.answer(limit_s=25)


def is_python(reply: Reply) -> bool:
    """Whether an answer is a context of Python."""
    told = fields(reply)
    return told.get("language") == "python" and isinstance(told.get("id"), str)
