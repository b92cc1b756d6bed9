"""Settings: by flag, by variable, by file, and which of them wins."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.programs import program, refusal
from execd_conformance.scenarios.refusals import ask
from execd_conformance.session import Session

_FLAGS: Final = (
    "host",
    "port",
    "uds",
    "access-token",
    "access-token-file",
    "insecure",
    "allow-origin",
    "allow-host",
    "state-dir",
    "working-root",
    "default-language",
    "shell",
    "log-level",
    "log-format",
    "kill-grace-ms",
    "drain-grace-ms",
    "heartbeat-s",
    "retention-s",
    "retention-bytes",
    "retention-total-bytes",
    "retention-count",
    "max-executions",
    "max-contexts",
    "max-sessions",
    "context-idle-s",
    "lease-s",
    "config",
)
_LEVELS: Final = (*map(str, range(8)), "WARNING", "debug")


@scenario(
    "operation",
    "operation.flag",
    "operation.variable",
    "operation.file",
    "operation.flag-over-variable",
    "operation.variable-over-file",
    "operation.empty-variable",
    "operation.working-root-setting",
    needs=("host",),
)
async def test_a_flag_wins_over_a_variable_and_that_over_the_file(
    checks: Checks, target: Session, tmp_path: Path
) -> None:
    """Three settings that the file has, two that variables have too, one that is a flag as well."""
    config = tmp_path / "execd.toml"
    config.write_text(f'max_body_bytes = 100\nmax_executions = 0\nworking_root = "{tmp_path}"\nallow_origin = ["*"]\n')
    variables = {"EXECD_MAX_BODY_BYTES": "200", "EXECD_MAX_EXECUTIONS": "9", "EXECD_WORKING_ROOT": ""}
    flags = ("--config", str(config), "--max-body-bytes", "300")
    async with program(target, "serve", *flags, variables=variables) as execd:
        bound = await body_limit(execd.raw)
        checks.equal("operation.flag", bound, 300)
        checks.equal("operation.flag-over-variable", bound, 300)
        ran = await ask(execd.raw, "POST", "/command", json={"command": "true"})
        checks.that("operation.variable-over-file", ran.status == 200, saw=ran)
        where = (await execd.raw.run("pwd -P")).stdout.strip() if ran.status == 200 else ran
        for requirement in ("operation.empty-variable", "operation.working-root-setting", "operation.file"):
            checks.equal(requirement, where, str(tmp_path))
        page = await execd.raw.request("GET", "/version", headers={"Origin": "https://any.example"})
        checks.equal("operation.file", page.status, 200)
    variables = {"EXECD_CONFIG": str(config), "EXECD_MAX_EXECUTIONS": "", "EXECD_MAX_BODY_BYTES": "200"}
    async with program(target, "serve", variables=variables) as execd:
        checks.equal("operation.variable", await body_limit(execd.raw), 200)
        ran = await ask(execd.raw, "POST", "/command", json={"command": "true"})
        checks.that("operation.file", ran.status == 429, saw=ran)


async def body_limit(raw: Raw) -> int | None:
    """Return the largest body of 100, 200 or 300 bytes, within which the daemon takes and beyond which it refuses."""
    for size in (100, 200, 300):
        beyond = await ask(raw, "POST", "/command", content=b"{" + b" " * size)
        within = await ask(raw, "POST", "/command", content=b"{" + b" " * (size - 1))
        if (within.status, beyond.status) == (400, 413):
            return size
    return None


@scenario("operation", "operation.token-file", "operation.tokens-by-commas", "auth.missing-token", needs=("host",))
async def test_tokens_come_by_commas_and_from_a_file(checks: Checks, target: Session, tmp_path: Path) -> None:
    """Each of them opens, nothing else does."""
    file = tmp_path / "tokens"
    file.write_text("from-file-1\n\nfrom-file-2\n")
    flags = ("--access-token", "by-flag-1, by-flag-2", "--access-token-file", str(file))
    async with program(target, "serve", *flags) as execd:
        for number in (1, 2):
            for source, requirement in (("flag", "operation.tokens-by-commas"), ("file", "operation.token-file")):
                token = f"{'by' if source == 'flag' else 'from'}-{source}-{number}"
                checks.equal(requirement, (await execd.raw.request("GET", "/version", token=token)).status, 200)
        for wrong in (None, "", "by-flag-1,by-flag-2", "from-file-3", "from-file-1\\nfrom-file-2"):
            reply = await execd.raw.request("GET", "/version", token=wrong)
            checks.that("auth.missing-token", reply.status == 401, saw=(wrong, reply))


@scenario("operation", "operation.settings", "operation.log-levels", needs=("host",), profiles=("compat",), limit_s=90)
async def test_every_setting_is_known(checks: Checks, target: Session) -> None:
    """By `--help`, and log levels by what comes after them: a directory that is not there."""
    told = await refusal(target, "--help")
    missing = [name for name in _FLAGS if f"--{name} " not in told.out and f"--{name}\n" not in told.out]
    checks.that("operation.settings", told.status == 0 and not missing, saw=(told.status, missing))

    few = asyncio.Semaphore(2)

    async def comes_after(level: str) -> int:
        flags = ("--port", "0", "--working-root", "/nonexistent", "--log-level", level)
        async with few:
            return (await refusal(target, "serve", *flags)).status

    statuses = dict(zip(_LEVELS, await asyncio.gather(*map(comes_after, _LEVELS)), strict=True))
    checks.equal("operation.log-levels", {name: status for name, status in statuses.items() if status != 1}, {})
    checks.equal("operation.log-levels", await comes_after("8"), 2)


@scenario("operation", "operation.original-flags", needs=("host",), profiles=("compat",), limit_s=60)
async def test_the_original_daemons_flags_are_taken(checks: Checks, target: Session) -> None:
    """With one dash and with two, with `=` and without."""
    for dash in ("-", "--"):
        flags = [f"{dash}port", "0", f"{dash}access-token=deployed", f"{dash}log-level=6"]
        flags += [f"{dash}graceful-shutdown-timeout=3s", f"{dash}jupyter-host", "http://127.0.0.1:1"]
        flags += [f"{dash}jupyter-token", "none"]
        async with program(target, *flags, token="deployed") as execd:  # noqa: S106 - the daemon's own
            checks.equal("operation.original-flags", (await execd.raw.request("GET", "/metrics")).status, 200)
            checks.equal(
                "operation.original-flags", (await execd.raw.request("GET", "/metrics", token=None)).status, 401
            )
