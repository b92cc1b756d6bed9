"""Which languages there are, what they are called, and which there are not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import succeeds
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import START_S, cell, context
from execd_conformance.scenarios.programs import program
from execd_conformance.session import Session
from opensandbox import Sandbox


@scenario("code", "language.list", "language.list-true", "language.python", limit_s=60)
async def test_languages_are_told(checks: Checks, raw: Raw) -> None:
    """The list, and whether it is true."""
    reply = await raw.request("GET", "/code/languages")
    checks.need(reply.status == 200, "a list of languages", reply)
    told = reply.json()
    kinds = {"name": str, "aliases": list, "kernel": str, "version": str, "warm": int, "limits": list}
    for each in told:
        checks.that("language.list", {name: type(each.get(name)) for name in kinds} == kinds, each)
    version = (await raw.request("GET", "/version")).json()
    checks.equal("language.list-true", sorted(version["languages"]), sorted(each["name"] for each in told))
    python: dict[str, Any] = next((each for each in told if each["name"] == "python"), {})
    checks.equal("language.python", sorted(python.get("aliases", [])), ["py", "python3"])
    async with context(raw) as one:
        ran = await cell(raw, "import platform; print(platform.python_version())", one)
        checks.equal("language.list-true", ran.stdout.strip(), python.get("version"))
    for each in told:
        for name in (each["name"], *each["aliases"]):
            ran = await cell(raw, "1", context={"language": name})
            checks.that("language.list-true", ran.end.is_terminal, ran)


@scenario(
    "code",
    "language.python",
    "language.not-supported",
    "language.installed",
    "error.language-not-supported",
    profiles=["compat"],
)
async def test_a_language_that_is_not_there_is_refused(checks: Checks, raw: Raw) -> None:
    """Names that nothing has, where a context is made and where code is run."""
    checks.equal("language.python", (await cell(raw, "1 + 1")).value, "2")
    for name in ("cobol", "Python ", "py\nthon"):
        for path, body in (
            ("/code/context", {"language": name}),
            ("/code", {"code": "1", "context": {"language": name}}),
        ):
            reply = await raw.request("POST", path, json=body, timeout_s=START_S)
            for requirement in ("language.not-supported", "error.language-not-supported"):
                checks.that(requirement, (reply.status, reply.code) == (400, "LANGUAGE_NOT_SUPPORTED"), (name, reply))
            installed = (reply.json().get("details") or {}).get("installed")
            checks.that("language.installed", isinstance(installed, list) and "python" in installed, reply)


@scenario("code", "code.jupyter-port", "language.no-jupyter-server", profiles=["compat"])
async def test_commands_are_told_of_a_port_that_answers(checks: Checks, raw: Raw) -> None:
    """What deployed clients of the interpreter do before they begin: a TCP connect."""
    told = (await raw.run('printf %s "$JUPYTER_PORT"')).stdout
    checks.that("code.jupyter-port", told.isascii() and told.isdigit(), told)
    connect = f"import socket; socket.create_connection(('127.0.0.1', {told or 0}), 5).close()"
    ran = await cell(raw, f"{connect}\nprint('connected')")
    checks.equal("code.jupyter-port", ran.stdout, "connected\n")
    running, _ = await asyncio.gather(
        succeeds(raw, "grep -lE 'jupyter-(server|lab|notebook)' /proc/[0-9]*/cmdline 2>/dev/null | grep -v $$"),
        cell(raw, "1"),
    )
    checks.that("language.no-jupyter-server", not running, "a Jupyter server runs")


@scenario("code", "code.jupyter-port-unix", needs=["host"])
async def test_without_a_port_none_is_told(checks: Checks, target: Session, tmp_path: Path) -> None:
    """A daemon that serves a Unix socket only."""
    path, token = tmp_path / "s", "the-token"
    async with program(target, "serve", "--uds", str(path), "--access-token", token):
        where = f"http+unix://{quote(str(path), safe='')}"
        async with await Sandbox.connect(where, access_token=token, ready_timeout=10) as sandbox:
            ran = await sandbox.commands.run("printenv JUPYTER_PORT", check=False)
            checks.equal("code.jupyter-port-unix", (ran.stdout, ran.exit_code), ("", 1))
