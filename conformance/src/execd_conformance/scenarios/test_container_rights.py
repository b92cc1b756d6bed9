"""A container with fewer rights than usual: another user, no capabilities, no network, odd surroundings."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from code_interpreter import CodeInterpreter
from execd_conformance.checks import Checks, scenario
from execd_conformance.scenarios.boxes import Box, box, cell, upload
from execd_conformance.session import Session
from opensandbox import Sandbox

USERS = {"the image's": None, "root": "root", "unknown": "4242:4343"}


async def works(mine: Box, checks: Checks, requirement: str) -> None:
    """Record whether commands, cells and files work in it."""
    ran = await mine.raw.run("echo out; echo err >&2; exit 3")
    checks.equal(requirement, (ran.stdout, ran.stderr, ran.exit_code), ("out\n", "err\n", 3))
    checks.equal(requirement, await cell(mine.raw, "print(6 * 7)"), ["42\n", "execution_complete"])
    checks.equal(requirement, (await upload(mine.raw, "/tmp/a file", b"content")).status, 200)
    checks.equal(requirement, (await mine.raw.run("cat '/tmp/a file'")).stdout, "content")
    async with mine.raw.stream("POST", "/command", json={"command": "echo begun; sleep 1000"}) as stream:
        await stream.until(lambda event: event.type == "stdout")
        await mine.raw.request("DELETE", "/command", params={"id": stream.events[0]["text"]}, timeout_s=20.0)
        end = await stream.until(lambda event: event.is_terminal)
    checks.equal(requirement, end.get("cause"), "interrupted")


@scenario("container", "container.image-user", "container.token-hidden", needs={"container"}, limit_s=60)
async def test_the_images_own_user_is_not_root_and_sees_no_token(checks: Checks, target: Session) -> None:
    """Look for the token wherever a workload can look."""
    async with box(target) as mine:
        ran = await mine.raw.run("id -u; pwd; touch here && echo writable")
        number, _, writable = ran.stdout.splitlines() or ["", "", ""]
        checks.that("container.image-user", number not in ("", "0") and writable == "writable", ran.stdout)
        ran = await mine.raw.run("env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true")
        checks.that("container.token-hidden", str(mine.raw.token) not in ran.stdout, "the token")
        said = await cell(mine.raw, "import os; print(*os.environ.values(), *os.environ)")
        checks.that(
            "container.token-hidden", str(mine.raw.token) not in str(said) and "EXECD_ACCESS" not in str(said), said
        )


@pytest.mark.parametrize("user", USERS)
@scenario("container", "container.no-capabilities", "container.any-user", needs={"container"}, limit_s=60)
async def test_it_needs_no_capabilities_whoever_it_runs_as(checks: Checks, target: Session, user: str) -> None:
    """Work in a container without capabilities, as users known and unknown."""
    async with box(target, user=USERS[user], cap_drop=["ALL"], security_opt=["no-new-privileges"]) as mine:
        await works(mine, checks, "container.no-capabilities")
        ran = await mine.raw.run("id -u; id -g; grep CapEff /proc/self/status")
        uid, gid, capabilities = ran.stdout.splitlines()
        checks.equal("container.no-capabilities", capabilities.split()[-1].strip("0"), "")
        wanted = {"root": ("0", "0"), "unknown": ("4242", "4343")}.get(user, (uid, gid))
        checks.equal("container.any-user", (uid, gid), wanted)
        info = await mine.raw.request("GET", "/files/info", params={"path": "/tmp/a file"})
        owner = next(iter(info.json().values())).get("owner")
        checks.that("container.any-user", owner == "4242" if user == "unknown" else owner, info)


@scenario("container", "container.no-network", needs={"container"}, limit_s=60)
async def test_it_needs_no_network(checks: Checks, target: Session) -> None:
    """Work in a container without any network, through a socket in a directory that is shared."""
    with tempfile.TemporaryDirectory(prefix="execd-conformance-") as directory:
        os.chmod(directory, 0o777)  # noqa: S103 - the container's user is another
        shared = {directory: {"bind": "/shared", "mode": "rw"}}
        settings = {"EXECD_UDS": "/shared/execd.sock"}
        async with box(target, settings=settings, waits=False, network="none", volumes=shared) as mine:
            endpoint = f"http+unix://{quote(f'{directory}/execd.sock', safe='')}"
            async with await Sandbox.connect(endpoint, access_token=mine.raw.token, ready_timeout=20) as sandbox:
                execution = await sandbox.commands.run("cat /proc/net/dev; echo done")
                checks.that("container.no-network", "eth0" not in execution.stdout, execution.stdout)
                checks.that("container.no-network", execution.stdout.endswith("done\n"), execution.stdout)
                metrics = await sandbox.get_metrics()
                checks.equal("container.no-network", metrics.memory_total_in_mib, 256.0)
                interpreter = await CodeInterpreter.create(sandbox)
                result = await interpreter.codes.run("6 * 7")
                checks.equal("container.no-network", result.text, "42")
            await mine.stop(10)
            checks.equal("container.no-network", await mine.exit_status(), 0)


@scenario("container", "container.odd-surroundings", needs={"container"}, limit_s=60)
async def test_odd_surroundings_change_no_times_and_no_names(checks: Checks, target: Session) -> None:
    """Work far east, with a foreign locale, no home and another host's name."""
    odd = {"TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "HOME": "/nonexistent", "TERM": ""}
    async with box(target, environment=odd, hostname="odd-host.example") as mine:
        ran = await mine.raw.run("hostname; echo $TZ; touch /tmp/new; printf '\\303\\244'")
        checks.equal("container.odd-surroundings", ran.stdout, "odd-host.example\nAsia/Kathmandu\nä")
        stamps = [event["timestamp"] for event in ran.events]
        checks.that("container.odd-surroundings", all(abs(each / 1000 - time.time()) < 30 for each in stamps), stamps)
        info = (await mine.raw.request("GET", "/files/info", params={"path": "/tmp/new"})).json()["/tmp/new"]
        modified = datetime.fromisoformat(info["modified_at"])
        checks.equal("container.odd-surroundings", modified.utcoffset(), timedelta(0))
        checks.that("container.odd-surroundings", abs(modified.timestamp() - time.time()) < 30, info)
        checks.equal("container.odd-surroundings", await cell(mine.raw, "print('ä')"), ["ä\n", "execution_complete"])
