"""Contexts: made, listed, told, restarted, deleted; where their code starts, and what it sees."""

from __future__ import annotations

import asyncio
import re
import shlex

from execd_conformance.broken import Broken
from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import are_gone, are_running
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.cells import START_S, cell, context, make, rest, says, started, value


def _ids(reply: Reply) -> list[object]:
    listed = reply.json()
    return [each.get("id") for each in listed] if isinstance(listed, list) else [listed]


@scenario(
    "code",
    "context.create",
    "context.create-usable",
    "context.list",
    "context.list-by-language",
    "context.get",
    "context.delete",
    "context.unknown",
    "error.context-not-found",
    profiles=["compat"],
)
async def test_a_context_is_made_found_and_deleted(checks: Checks, raw: Raw, unique: str) -> None:
    """A context by its id, from its making to after its end."""
    made = await make(raw)
    checks.need(made.status == 200, "a context is made", made)
    told = made.json()
    checks.that("context.create", isinstance(told.get("id"), str) and told["id"], made)
    checks.equal("context.create", told.get("language"), "python")
    where = f"/code/contexts/{told['id']}"
    checks.that("context.create-usable", (await cell(raw, "6 * 7", told["id"])).value == "42")
    everything = await raw.request("GET", "/code/contexts")
    mine = [each for each in everything.json() if each.get("id") == told["id"]]
    checks.that("context.list", len(mine) == 1 and mine[0].get("language") == "python", everything)
    checks.that(
        "context.list-by-language", told["id"] in _ids(await raw.request("GET", "/code/contexts?language=python"))
    )
    others = await raw.request("GET", "/code/contexts?language=go")
    checks.that("context.list-by-language", others.status == 400 or told["id"] not in _ids(others), others)
    got = await raw.request("GET", where)
    checks.that("context.get", got.status == 200 and got.json().get("id") == told["id"], got)
    checks.equal("context.get", got.json().get("language"), "python")
    deleted = await raw.request("DELETE", where, timeout_s=START_S)
    checks.that("context.delete", deleted.status == 200 and deleted.body == b"", deleted)
    checks.that("context.delete", told["id"] not in _ids(await raw.request("GET", "/code/contexts")))
    body = {"code": "1", "context": {"id": told["id"]}}
    gone = [await raw.request("GET", where), await raw.request("POST", "/code", json=body)]
    never = [await raw.request(method, f"/code/contexts/{unique}") for method in ("GET", "DELETE")]
    for reply in gone:
        checks.that("context.delete", reply.status == 404, reply)
    for reply in [*gone, *never, await raw.request("DELETE", where)]:
        checks.that("context.unknown", reply.status == 404, reply)
        checks.equal("error.context-not-found", reply.code, "CONTEXT_NOT_FOUND")


@scenario("code", "context.list-by-language", "context.create", "context.create-strict", "context.unknown", limit_s=60)
async def test_contexts_are_told_with_their_place(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """What a list and an answer tell, and requests that are none."""
    made = await make(raw, language="py", cwd=folder)
    checks.equal("context.create", {**made.json(), "id": ""}, {"id": "", "language": "python", "cwd": folder})
    await raw.request("DELETE", f"/code/contexts/{made.json().get('id')}", timeout_s=START_S)
    async with context(raw, language="py", cwd=folder) as one:
        want = {"id": one, "language": "python", "cwd": folder}
        checks.equal("context.create", (await raw.request("GET", f"/code/contexts/{one}")).json(), want)
        for name in ("py", "python3"):
            checks.that(
                "context.list-by-language", want in (await raw.request("GET", f"/code/contexts?language={name}")).json()
            )
    wrong: list[tuple[object, str]] = [
        ({"language": "python", "colour": 1}, "colour"),
        ({"language": 7}, "language"),
        ({"language": "python", "cwd": [unique]}, "cwd"),
        ({"language": "python", "envs": {"A": 1}}, "envs"),
    ]
    for body, field in wrong:
        reply = await raw.request("POST", "/code/context", json=body, timeout_s=START_S)
        checks.that("context.create-strict", (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY"), reply)
        checks.that("context.create-strict", field in str(reply.json().get("message")), reply)
    for path in ("restart", "events"):
        method = "POST" if path == "restart" else "GET"
        reply = await raw.request(method, f"/code/contexts/{unique}/{path}")
        checks.that("context.unknown", (reply.status, reply.code) == (404, "CONTEXT_NOT_FOUND"), reply)


@scenario("code", "context.cwd", "context.cwd-made", "context.cwd-in-the-way", "context.envs", limit_s=60)
async def test_code_starts_in_its_place(checks: Checks, raw: Raw, folder: str) -> None:
    """A directory that is there, one that is not, a file instead of one; variables."""
    async with context(raw, cwd=folder, envs={"COLOUR": "blé $HOME\n'", "PATH_OF_MINE": ""}) as one:
        checks.equal("context.cwd", await value(raw, "__import__('os').getcwd()", one), folder)
        for _ in range(2):
            seen = await value(raw, "[__import__('os').environ.get(n) for n in ('COLOUR', 'PATH_OF_MINE')]", one)
            checks.equal("context.envs", seen, ["blé $HOME\n'", ""])
    missing = f"{folder}/not/yet there"
    async with context(raw, cwd=missing) as one:
        checks.equal("context.cwd-made", await value(raw, "__import__('os').getcwd()", one), missing)
    await raw.run(f"touch {shlex.quote(folder)}/file")
    refused = await make(raw, cwd=f"{folder}/file")
    checks.that("context.cwd-in-the-way", refused.status == 400 and f"{folder}/file" in refused.text, refused)


@scenario("code", "context.envs-file-anew", "context.no-secrets", needs=["start"], limit_s=60)
async def test_a_kernel_has_the_variables_of_the_file_and_no_secret(
    checks: Checks, daemons: Daemons, unique: str
) -> None:
    """What the file holds when a kernel starts, under the context's own; not what opens the daemon."""
    path = f"/tmp/{unique}.env"
    async with daemons(envs=path) as other:
        for said in ("first", "second"):
            await other.raw.run(f"printf 'A={said}\\nB=file\\n' > {path}")
            async with context(other.raw, envs={"B": "request"}) as one:
                seen = await value(other.raw, "[__import__('os').environ.get(n) for n in ('A', 'B')]", one)
                checks.equal("context.envs-file-anew", seen, [said, "request"])
                seen = await value(other.raw, "[str(__import__('os').environ), open('/proc/self/environ').read()]", one)
                is_told = "EXECD_ACCESS_TOKEN" in str(seen) or str(other.raw.token) in str(seen)
                checks.that("context.no-secrets", not is_told and "PATH=" in seen[1], "the token")
        await other.raw.run(f"rm {path}")


@scenario(
    "code", "context.restart", "context.restart-usable", "context.restart-ends-run", features=["restart"], limit_s=60
)
async def test_a_restart_gives_a_fresh_kernel(checks: Checks, raw: Raw, folder: str) -> None:
    """A restart of an idle context, and of one at work."""
    async with context(raw, cwd=folder, envs={"COLOUR": "red"}) as one:
        await cell(raw, "x = 1; import os; os.chdir('/'); os.environ['COLOUR'] = 'green'", one)
        reply = await raw.request("POST", f"/code/contexts/{one}/restart", timeout_s=START_S)
        checks.that("context.restart", reply.status == 200 and reply.json().get("id") == one, reply)
        checks.that("context.restart", await value(raw, "'x' in globals()", one) is False)
        seen = await value(raw, "[__import__('os').getcwd(), __import__('os').environ['COLOUR']]", one)
        checks.equal("context.restart-usable", seen, [folder, "red"])
        async with started(raw, "y = 1\nprint('begun', flush=True)\nwhile True: pass", one) as stream:
            await stream.until(says("begun"))
            await raw.request("POST", f"/code/contexts/{one}/restart", timeout_s=START_S)
            ran = await rest(stream)
        checks.equal("context.restart-ends-run", ran.cause, ("interrupted", "INTERRUPTED"))
        checks.that("context.restart-usable", await value(raw, "'y' in globals()", one) is False)


@scenario("code", "context.delete-ends-all", "context.delete-ends-runs", limit_s=60)
async def test_deleting_a_context_ends_all_that_it_began(checks: Checks, raw: Raw) -> None:
    """The run, the one in line, the kernel, its child and a child that left its session."""
    code = """
        import os, subprocess
        near = subprocess.Popen(["sleep", "300"])
        far = subprocess.Popen(["sh", "-c", "trap '' HUP TERM; sleep 300 & wait"], start_new_session=True)
        print("pids", os.getpid(), near.pid, far.pid, flush=True)
        while True: pass
    """
    async with context(raw) as one, started(raw, code, one) as stream:
        pids = re.findall("[0-9]+", (await stream.until(says("pids")))["text"])
        checks.need(await are_running(raw, *pids), "all of them run", pids)
        async with started(raw, "1", one) as waiting:
            await waiting.until(lambda event: event.type == "status")
            await raw.request("DELETE", f"/code/contexts/{one}", timeout_s=START_S)
            for ran in (await rest(stream), await rest(waiting)):
                checks.equal("context.delete-ends-runs", ran.cause, ("interrupted", "INTERRUPTED"))
        checks.that("context.delete-ends-all", await are_gone(raw, *pids), pids)


@scenario(
    "code",
    "context.list-empty",
    "context.limit",
    "context.delete-by-language",
    "context.delete-by-language-required",
    "code.default-language",
    "code.default-context-cwd",
    "empty.context",
    "limits.contexts",
    "error.limit-reached",
    needs=["start"],
    profiles=["compat"],
    limit_s=60,
)
async def test_a_daemon_with_a_default_language_and_a_limit(checks: Checks, daemons: Daemons) -> None:
    """All contexts of a daemon: none, as many as may be, none again."""
    async with daemons(default_language="python", max_contexts=2) as other:
        raw = other.raw
        listed = await raw.request("GET", "/code/contexts")
        checks.that("context.list-empty", listed.status == 200 and listed.json() == [], listed)
        ran = await raw.events(
            "POST", "/code", json={"code": "import os; print(os.getcwd())", "context": {"cwd": "/tmp/.."}}
        )
        checks.equal(
            "code.default-context-cwd", [event.get("text") for event in ran if event.type == "stdout"], ["/\n"]
        )
        checks.that("code.default-language", ran[-1].type == "execution_complete", ran[-1].raw)
        made = await raw.request("POST", "/code/context", content=b"", timeout_s=START_S)
        checks.that("empty.context", made.status == 200 and made.json().get("language") == "python", made)
        checks.equal("code.default-language", made.json().get("language"), "python")
        full = await make(raw)
        for requirement in ("context.limit", "limits.contexts", "error.limit-reached"):
            checks.that(requirement, (full.status, full.code) == (429, "LIMIT_REACHED"), full)
        await raw.request("DELETE", f"/code/contexts/{made.json()['id']}", timeout_s=START_S)
        checks.equal("context.limit", (await make(raw)).status, 200)
        refused = await raw.request("DELETE", "/code/contexts")
        checks.that(
            "context.delete-by-language-required", (refused.status, refused.code) == (400, "MISSING_QUERY"), refused
        )
        checks.equal("context.delete-by-language-required", len((await raw.request("GET", "/code/contexts")).json()), 2)
        deleted = await raw.request("DELETE", "/code/contexts?language=py", timeout_s=START_S)
        checks.that("context.delete-by-language", deleted.status == 200 and deleted.body == b"", deleted)
        listed = await raw.request("GET", "/code/contexts")
        checks.that("context.delete-by-language", listed.json() == [], listed)


@scenario("code", "context.idle-setting", "context.idle-reason", needs=["start"], limit_s=60)
async def test_an_idle_context_expires(checks: Checks, daemons: Daemons) -> None:
    """A context that nobody uses, beside one that works."""
    async with daemons(context_idle_s=1) as other:
        raw = other.raw
        async with context(raw) as idle, context(raw) as busy, started(raw, "import time; time.sleep(60)", busy):

            async def gone() -> bool:
                return (await raw.request("GET", f"/code/contexts/{idle}")).status == 404

            checks.that("context.idle-setting", await eventually(gone), "still there")
            checks.equal("context.idle-setting", (await raw.request("GET", f"/code/contexts/{busy}")).status, 200)
            reply = await raw.request("POST", "/code", json={"code": "1", "context": {"id": idle}})
            checks.that("context.idle-reason", (reply.status, reply.code) == (404, "CONTEXT_NOT_FOUND"), reply)
            checks.equal("context.idle-reason", (reply.json().get("details") or {}).get("reason"), "expired")


@scenario("code", "code.isolated", "code.contexts-in-parallel", limit_s=90)
async def test_ten_contexts_at_once(checks: Checks, raw: Raw, folder: str) -> None:
    """Ten contexts, each with a value of its own, all of them at work at the same time."""

    async def one(number: int) -> None:
        async with context(raw, cwd=folder) as mine:
            await cell(raw, f"x{number} = x = {number}; me = object()", mine)
            meeting = f"""
                import os, time
                open("{number}", "w").close()
                until = time.monotonic() + 25
                while len(os.listdir()) < 10 and time.monotonic() < until: time.sleep(0.01)
                print(len(os.listdir()))
            """
            checks.equal("code.contexts-in-parallel", (await cell(raw, meeting, mine)).stdout, "10\n")
            seen = await value(raw, "[x, sorted(n for n in globals() if n[0] == 'x')]", mine)
            checks.equal("code.isolated", seen, [number, ["x", f"x{number}"]])

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(one(number))
    except* Broken as faults:
        checks.that("code.contexts-in-parallel", ok=False, saw=faults.exceptions[0])
        checks.that("code.isolated", ok=False, saw=faults.exceptions[0])


@scenario("code", "context.repeated-start", features=["context_id"], limit_s=60)
async def test_a_context_that_is_started_again_under_its_id(checks: Checks, raw: Raw, unique: str) -> None:
    """At once, afterwards, and with other fields; the state stays."""
    first, again = await asyncio.gather(*(make(raw, context_id=unique) for _ in range(2)))
    checks.equal("context.repeated-start", [first.json().get("id"), again.json().get("id")], [unique, unique])
    await cell(raw, "left = 1", unique)
    after = await make(raw, context_id=unique)
    checks.equal("context.repeated-start", (after.status, after.json()), (200, first.json()))
    checks.equal("context.repeated-start", (await cell(raw, "left", unique)).value, "1")
    other = await make(raw, context_id=unique, envs={"OTHER": "1"})
    checks.equal("context.repeated-start", (other.status, other.code), (409, "EXECUTION_CONFLICT"))
    await raw.request("DELETE", f"/code/contexts/{unique}", timeout_s=START_S)
    fresh = await make(raw, context_id=unique)
    ran = await cell(raw, "'left' in globals()", unique)
    checks.equal("context.repeated-start", (fresh.status, ran.value), (200, "False"))
    await raw.request("DELETE", f"/code/contexts/{unique}", timeout_s=START_S)
