"""Every language in a container that gives it next to nothing."""

from __future__ import annotations

import os
import tempfile
from urllib.parse import quote

from code_interpreter import CodeInterpreter
from execd_conformance.checks import Checks, scenario
from execd_conformance.languages import Language
from execd_conformance.scenarios.boxes import box
from execd_conformance.session import Session
from opensandbox import Sandbox

REQUIREMENT = "container.languages-anywhere"
BARE = {
    "network": "none",
    "read_only": True,
    "tmpfs": {"/tmp": "mode=1777"},
    "user": "12345:12345",
    "mem_limit": "1g",
    "memswap_limit": "1g",
}
TEXT = "ä € 😀"


@scenario("container", REQUIREMENT, needs={"container"}, limit_s=90)
async def test_every_language_works_where_there_is_next_to_nothing(
    checks: Checks, target: Session, language: Language
) -> None:
    """State, output, errors and non-ASCII: no network, nothing to write but a temporary directory, an unknown user."""
    with tempfile.TemporaryDirectory(prefix="execd-conformance-") as directory:
        os.chmod(directory, 0o777)  # noqa: S103 - the container's user is another
        shared = {directory: {"bind": "/shared", "mode": "rw"}}
        settings = {"EXECD_UDS": "/shared/execd.sock", "EXECD_POOL": ""}
        async with box(target, settings=settings, waits=False, volumes=shared, **BARE) as mine:
            endpoint = f"http+unix://{quote(f'{directory}/execd.sock', safe='')}"
            async with await Sandbox.connect(endpoint, access_token=mine.raw.token, ready_timeout=20) as sandbox:
                interpreter = await CodeInterpreter.create(sandbox)
                context = await interpreter.codes.create_context(language.name)

                async def told(code: str) -> str:
                    return (await interpreter.codes.run(code, context_id=context, timeout=40)).stdout

                await told(language.keeps("left"))
                checks.equal(REQUIREMENT, await told(language.tells), "left\n")
                checks.equal(REQUIREMENT, await told(language.any_text(TEXT)), f"{TEXT}\n")
                code, name = language.fails
                failed = await interpreter.codes.run(code, context_id=context, timeout=40)
                checks.equal(REQUIREMENT, failed.error and failed.error.name, name)
                checks.equal(REQUIREMENT, await told(language.tells), "left\n")
