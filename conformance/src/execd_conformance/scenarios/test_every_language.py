"""What holds in every language: a scenario each, for each language that the daemon serves."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.languages import Language
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, interrupt, rest, says, started
from execd_conformance.scenarios.tongues import in_default, of, told

LINES = 100_000


@scenario(
    "code",
    "cell.stdout",
    "cell.stderr",
    "cell.value",
    "cell.no-value",
    "cell.text",
    "cell.count",
    "cell.state",
    profiles=["compat"],
    limit_s=60,
)
async def test_a_cell_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """What it prints and what it is worth; what it leaves to the next one."""
    async with of(raw, language) as one:
        ran = await cell(raw, f"{language.says('one')}\n{language.warns('two')}", one)
        checks.equal("cell.stdout", ran.stdout, "one\n")
        checks.equal("cell.stderr", ran.stderr, "two\n")
        checks.equal("cell.no-value", ran.shown, [])
        code, worth = language.value or (language.says("42"), "42")
        ran = await cell(raw, code, one)
        checks.equal("cell.value", ran.value if language.value else ran.stdout.strip(), worth)
        checks.equal("cell.count", ran.count, 2)
        await cell(raw, language.keeps("left"), one)
        checks.equal("cell.state", await told(raw, language.tells, one), "left")
        any_text = "ä € 😀 \u2028 'q' \"qq\" \\ $x"
        checks.equal("cell.text", await told(raw, language.any_text(any_text), one), any_text)


@scenario(
    "code",
    "cell.exception",
    "cell.exception-output",
    "cell.exception-state",
    "cell.syntax-error",
    profiles=["compat"],
    limit_s=60,
)
async def test_code_that_fails_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Code that fails as it runs, and what is no code; the state stays."""
    code, name = language.fails
    async with of(raw, language) as one:
        ran = await cell(raw, f"{language.keeps('left')}\n{language.says('before')}\n{code}", one)
        checks.equal("cell.exception", (ran.end.type, ran.error.get("ename")), ("error", name))
        checks.equal("cell.exception-output", ran.stdout, "before\n")
        checks.equal("cell.exception-state", await told(raw, language.tells, one), "left")
        ran = await cell(raw, f"{language.says('before')}\n{language.no_code}", one)
        checks.equal("cell.syntax-error", ran.end.type, "error")
        checks.equal("cell.exception-state", await told(raw, language.tells, one), "left")


@scenario("code", "cell.many-lines", "cell.counts", limit_s=120)
async def test_much_output_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Many short lines: all of them, in order, each once."""
    async with of(raw, language) as one:
        ran = await cell(raw, language.counts(LINES), one, timeout_s=90)
    wanted = "".join(f"{each}\n" for each in range(LINES))
    checks.that("cell.many-lines", ran.stdout == wanted, f"{len(ran.stdout)} characters of {len(wanted)}")
    checks.equal("cell.counts", ran.end.get("stdout_bytes"), len(wanted))


@scenario(
    "code",
    "code.isolated",
    "code.context-by-id",
    "code.ephemeral",
    "context.delete",
    limit_s=120,
)
async def test_contexts_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Two contexts, one of a single run, and one that was deleted."""
    async with of(raw, language) as one, of(raw, language) as other:
        await cell(raw, language.keeps("one"), one)
        await cell(raw, language.keeps("other"), other)
        checks.equal("code.context-by-id", await told(raw, language.tells, one), "one")
        checks.equal("code.isolated", await told(raw, language.tells, other), "other")
        checks.equal("code.isolated", await told(raw, language.tells, one), "one")
        await in_default(raw, language, language.keeps("gone"), ephemeral=True)
        ran = await in_default(raw, language, language.tells, ephemeral=True)
        checks.that("code.ephemeral", "gone" not in ran.stdout, ran)
    gone = await raw.request("POST", "/code", json={"code": language.tells, "context": {"id": one}})
    checks.equal("context.delete", (gone.status, gone.code), (404, "CONTEXT_NOT_FOUND"))


@scenario(
    "code",
    "code.default-context",
    "code.default-after-deletion",
    "context.delete-by-language",
    needs=["start"],
    limit_s=120,
)
async def test_default_contexts_in_every_language(checks: Checks, daemons: Daemons, language: Language) -> None:
    """A daemon of its own: its default context is kept, deleted by its id and by its language, and made anew."""
    async with daemons() as other:
        raw = other.raw
        for deleted_by in ("id", "language"):
            await in_default(raw, language, language.keeps("kept"))
            checks.equal("code.default-context", (await in_default(raw, language, language.tells)).stdout, "kept\n")
            (only,) = (await raw.request("GET", "/code/contexts")).json()
            path, params = (f"/{only['id']}", None) if deleted_by == "id" else ("", {"language": language.name})
            reply = await raw.request("DELETE", f"/code/contexts{path}", params=params or {}, timeout_s=30)
            checks.need(reply.status == 200, "a context to be deleted", reply)
            left = (await raw.request("GET", "/code/contexts", params={"language": language.name})).json()
            checks.equal("context.delete-by-language", left, [])
            ran = await in_default(raw, language, language.tells)
            checks.that("code.default-after-deletion", ran.end.is_terminal and "kept" not in ran.stdout, ran)
            ran = await in_default(raw, language, language.says("again"))
            checks.equal("code.default-after-deletion", (ran.completed, ran.stdout), (True, "again\n"))


@scenario("code", "context.cwd", "context.envs", "cell.envs", "cell.envs-restored", "context.restart", limit_s=60)
async def test_surroundings_in_every_language(
    checks: Checks, raw: Raw, folder: str, unique: str, language: Language
) -> None:
    """A context's directory and variables, those of a single run, and a restart."""
    name = unique.upper()
    show = language.variable(name)
    async with of(raw, language, cwd=folder, envs={name: "context"}) as one:
        checks.equal("context.cwd", await told(raw, language.directory, one), folder)
        checks.equal("context.envs", await told(raw, show, one), "context")
        checks.equal("cell.envs", (await cell(raw, show, one, envs={name: "ä 'run'"})).stdout, "ä 'run'\n")
        checks.equal("cell.envs-restored", await told(raw, show, one), "context")
        await cell(raw, language.keeps("left"), one)
        reply = await raw.request("POST", f"/code/contexts/{one}/restart", timeout_s=60)
        checks.equal("context.restart", (reply.status, reply.json().get("id")), (200, one))
        checks.that("context.restart", "left" not in (await cell(raw, language.tells, one)).stdout)
        checks.equal("context.cwd", await told(raw, language.directory, one), folder)


@scenario("code", "queue.order", "queue.status", "queue.drop", limit_s=60)
async def test_a_line_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """One that runs, one that is dropped from the line, and one after it."""
    async with of(raw, language) as one:
        sleeping = f"{language.says('begun')}\n{language.sleeps(1)}\n{language.says('first')}"
        async with started(raw, sleeping, one) as first:
            await first.until(says("begun"))
            async with (
                started(raw, language.says("dropped"), one) as second,
                started(raw, language.says("third"), one) as third,
            ):
                await second.until(lambda event: event.type == "status")
                await interrupt(raw, str(second.events[0].get("text")))
                dropped, last = await rest(second), await rest(third)
            ran = await rest(first)
    checks.equal("queue.status", (dropped.statuses, last.statuses), (["queued"], ["queued"]))
    checks.equal("queue.drop", (dropped.stdout, dropped.cause), ("", ("interrupted", "INTERRUPTED")))
    checks.equal("queue.order", (ran.stdout, last.stdout), ("begun\nfirst\n", "third\n"))
    begun = next((event.get("timestamp", 0) for event in last.events if event.type == "stdout"), 0)
    checks.that("queue.order", begun >= ran.end.get("timestamp", 0), (begun, ran.end.raw))
