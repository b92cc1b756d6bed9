"""Every error code that a request can reach, each with its status, and all of them with one form of body."""

from __future__ import annotations

import json
from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import HANDSHAKE, bare
from execd_conformance.scenarios.refusals import REFUSALS, ask, details, fields, media_type, message, refused

_PLAIN: Final[tuple[tuple[str, int, str, str, dict[str, Any]], ...]] = (
    ("INVALID_REQUEST_BODY", 400, "POST", "/command", {"json": {"command": " "}}),
    ("INVALID_REQUEST_BODY", 400, "POST", "/command", {"json": {}}),
    ("INVALID_REQUEST_BODY", 400, "POST", "/command", {"json": {"command": "true", "argv": ["true"]}}),
    ("INVALID_REQUEST_BODY", 400, "POST", "/command", {"json": {"command": "true", "cwd": "/nonexistent"}}),
    ("INVALID_REQUEST_BODY", 400, "POST", "/code", {"json": {"code": "1", "context": {"id": ""}, "envs": {"": ""}}}),
    ("MISSING_QUERY", 400, "DELETE", "/command", {}),
    ("INVALID_QUERY", 400, "GET", "/executions?limit=x", {}),
    ("INVALID_QUERY", 400, "GET", "/files/info?path=%zz", {}),
    ("INVALID_FILE", 400, "GET", "/files/download?path=/dev/null", {}),
    ("INVALID_FILE", 400, "POST", "/files/upload", {"content": b"no form", "headers": {"Content-Type": "text/plain"}}),
    ("LANGUAGE_NOT_SUPPORTED", 400, "POST", "/code", {"json": {"code": "1", "context": {"language": "cobol"}}}),
    ("LANGUAGE_NOT_SUPPORTED", 400, "POST", "/code/context", {"json": {"language": "cobol"}}),
    ("UNAUTHORIZED", 401, "GET", "/version", {"token": "mistaken-identity"}),
    ("FILE_NOT_FOUND", 404, "GET", "/files/info?path=/nonexistent", {}),
    ("FILE_NOT_FOUND", 404, "GET", "/files/download?path=/nonexistent", {}),
    ("COMMAND_NOT_FOUND", 404, "GET", "/command/status/none", {}),
    ("COMMAND_NOT_FOUND", 404, "DELETE", "/command?id=none", {}),
    ("CONTEXT_NOT_FOUND", 404, "GET", "/code/contexts/none", {}),
    ("CONTEXT_NOT_FOUND", 404, "DELETE", "/code/contexts/none", {}),
    ("CONTEXT_NOT_FOUND", 404, "POST", "/code/contexts/none/restart", {}),
    ("CONTEXT_NOT_FOUND", 404, "GET", "/code/contexts/none/events", {}),
    ("CONTEXT_NOT_FOUND", 404, "POST", "/code", {"json": {"code": "1", "context": {"id": "none"}}}),
    ("CONTEXT_NOT_FOUND", 404, "DELETE", "/code?id=none", {}),
    ("EXECUTION_NOT_FOUND", 404, "GET", "/executions/none", {}),
    ("EXECUTION_NOT_FOUND", 404, "GET", "/executions/none/events", {}),
    ("EXECUTION_NOT_FOUND", 404, "POST", "/executions/none/stdin", {}),
    ("ROUTE_NOT_FOUND", 404, "GET", "/nope", {}),
    ("ROUTE_NOT_FOUND", 404, "POST", "/", {}),
    ("METHOD_NOT_ALLOWED", 405, "PUT", "/command", {}),
)


def requirement_of(code: str) -> str:
    """Return the id of the requirement that is about an error code."""
    return f"error.{code.lower().replace('_', '-')}"


@scenario("errors", *sorted({requirement_of(code) for code, *_ in _PLAIN}), *REFUSALS)
async def test_what_is_asked_wrongly_is_refused_by_its_code(checks: Checks, raw: Raw) -> None:
    """Refusals that need nothing to be there before."""
    for code, status, method, path, request in _PLAIN:
        reply = await ask(raw, method, path, **request)
        refused(checks, requirement_of(code), reply, status, code, of=f"{method} {path} {request}")
        if code == "LANGUAGE_NOT_SUPPORTED":
            installed = details(reply).get("installed")
            checks.that("error.language-not-supported", isinstance(installed, list), saw=reply)
            checks.that("error.language-not-supported", "cobol" not in (installed or ()), saw=reply)
        if code == "FILE_NOT_FOUND":
            checks.that("error.file-not-found", "/nonexistent" in message(reply), saw=reply)


@scenario(
    "errors",
    "error.invalid-file-metadata",
    "error.invalid-file-content",
    "error.not-a-directory",
    "error.is-a-directory",
    "error.range-not-satisfiable",
    "error.permission-denied",
    *REFUSALS,
)
async def test_files_are_refused_by_their_codes(checks: Checks, raw: Raw, folder: str) -> None:
    """Uploads that lack a half, paths of the wrong kind, ranges that are nowhere, places that are not ours."""
    await raw.run(f"printf 12345 > {folder}/file")
    good = json.dumps({"path": f"{folder}/file/below"})
    for metadata in (
        "{",
        "[]",
        "{}",
        '{"path":1}',
        f'{{"path":"{folder}/x","nope":1}}',
        f'{{"path":"{folder}/x","mode":9}}',
    ):
        reply = await upload(raw, metadata=metadata)
        refused(checks, "error.invalid-file-metadata", reply, 400, "INVALID_FILE_METADATA", of=metadata)
    reply = await upload(raw, metadata=None)
    refused(checks, "error.invalid-file-metadata", reply, 400, "INVALID_FILE_METADATA", of="none")
    reply = await upload(raw, metadata=json.dumps({"path": f"{folder}/x"}), content=None)
    refused(checks, "error.invalid-file-content", reply, 400, "INVALID_FILE_CONTENT")
    refused(checks, "error.not-a-directory", await upload(raw, metadata=good), 409, "NOT_A_DIRECTORY")
    reply = await upload(raw, metadata=json.dumps({"path": folder}))
    refused(checks, "error.is-a-directory", reply, 409, "IS_A_DIRECTORY", of="upload")
    reply = await raw.request("GET", "/files/download", params={"path": folder})
    refused(checks, "error.is-a-directory", reply, 409, "IS_A_DIRECTORY", of="download")
    reply = await raw.request(
        "GET", "/files/download", params={"path": f"{folder}/file"}, headers={"Range": "bytes=5-"}
    )
    refused(checks, "error.range-not-satisfiable", reply, 416, "RANGE_NOT_SATISFIABLE")
    checks.equal("error.range-not-satisfiable", reply.headers.get("content-range"), "bytes */5")
    reply = await upload(raw, metadata='{"path":"/sys/conformance"}')
    refused(checks, "error.permission-denied", reply, 403, "PERMISSION_DENIED")
    ran = await raw.run(f"cd {folder} && find . -type f | sort && cat file")
    checks.equal("error.not-a-directory", ran.stdout, "./file\n12345")


async def upload(raw: Raw, *, metadata: str | None, content: bytes | None = b"x") -> Reply:
    """Return the answer to an upload of one file, or of a part of it."""
    parts: list[tuple[str, Any]] = []
    if metadata is not None:
        parts.append(("metadata", ("metadata", metadata.encode(), "application/json")))
    if content is not None:
        parts.append(("file", ("file", content, "application/octet-stream")))
    return await raw.request("POST", "/files/upload", files=parts)


@scenario(
    "errors",
    "error.already-finished",
    "error.execution-conflict",
    "error.stdin-closed",
    *REFUSALS,
    features=("execution_id", "stdin"),
)
async def test_runs_are_refused_by_their_codes(checks: Checks, raw: Raw, unique: str) -> None:
    """What comes too late, or under an id that is taken."""
    ran = await raw.run("true", execution_id=unique)
    reply = await raw.request("DELETE", "/command", params={"id": ran.id})
    refused(checks, "error.already-finished", reply, 409, "ALREADY_FINISHED")
    for other in ({"command": "false"}, {"command": "true", "timeout": 5}):
        reply = await ask(raw, "POST", "/command", json={**other, "execution_id": unique})
        refused(checks, "error.execution-conflict", reply, 409, "EXECUTION_CONFLICT", of=other)
    reply = await raw.request("POST", f"/executions/{unique}/stdin", content=b"x")
    refused(checks, "error.stdin-closed", reply, 409, "STDIN_CLOSED", of="a run that has ended")
    async with raw.stream("POST", "/command", json={"command": "exec sleep 60", "stdin": "pipe"}) as stream:
        run = (await stream.until(lambda event: event.type == "init"))["text"]
        await raw.request("POST", f"/executions/{run}/stdin?eof=true")
        reply = await raw.request("POST", f"/executions/{run}/stdin", content=b"x")
        refused(checks, "error.stdin-closed", reply, 409, "STDIN_CLOSED", of="after eof")
        await raw.request("DELETE", "/command", params={"id": run})


@scenario("errors", "error.forbidden-origin", "error.payload-too-large", "error.not-supported", *REFUSALS)
async def test_more_codes_of_the_daemon_s_own(checks: Checks, raw: Raw) -> None:
    """A web page's handshake, a body without end, and what is in the contract but not here."""
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/pty/none/ws", *HANDSHAKE, "Origin: https://evil.example"))
        refused(checks, "error.forbidden-origin", await connection.answer(), 403, "FORBIDDEN_ORIGIN")
    async with bare(raw) as connection:
        await connection.send(connection.head("POST", "/command", "Content-Length: 99999999999"))
        refused(checks, "error.payload-too-large", await connection.answer(), 413, "PAYLOAD_TOO_LARGE")
    for field, extension in (("background", True), ("max_output_bytes", 1000)):
        reply = await ask(raw, "POST", "/command", json={"command": "true", field: extension})
        if reply.status == 200 and media_type(reply) == "text/event-stream":
            checks.that("error.not-supported", ok=True)
            continue
        refused(checks, "error.not-supported", reply, 501, "NOT_SUPPORTED", of=field)
        checks.equal("error.not-supported", details(reply).get("field"), field)


@scenario("errors", "error.limit-reached", "error.body-timeout", *REFUSALS, needs=("start",))
async def test_limits_are_refused_by_their_codes(checks: Checks, daemons: Daemons) -> None:
    """One run too many, and a body that does not come."""
    async with daemons(max_executions=0, body_timeout_s=1) as other:
        reply = await ask(other.raw, "POST", "/command", json={"command": "true"})
        refused(checks, "error.limit-reached", reply, 429, "LIMIT_REACHED")
        async with bare(other.raw) as connection:
            await connection.send(connection.head("POST", "/command", "Content-Length: 9") + b"{")
            refused(checks, "error.body-timeout", await connection.answer(), 408, "BODY_TIMEOUT")


@scenario("errors", "error.runtime-error", *REFUSALS)
async def test_a_kernel_that_does_not_start_is_a_fault(checks: Checks, raw: Raw) -> None:
    """A Python that is given an encoding that there is not ends before it has begun."""
    healthy = await raw.request("POST", "/code/context", json={"language": "python"}, timeout_s=25)
    checks.need(healthy.status == 200, "a context of Python", healthy)
    await raw.request("DELETE", f"/code/contexts/{fields(healthy).get('id')}")
    body = {"language": "python", "envs": {"PYTHONIOENCODING": "there-is-no-such-encoding"}}
    reply = await raw.request("POST", "/code/context", json=body, timeout_s=25)
    refused(checks, "error.runtime-error", reply, 500, "RUNTIME_ERROR")
    checks.that("error.runtime-error", "there-is-no-such-encoding" in reply.text, saw=reply)
