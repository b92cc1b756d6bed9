"""The seed's snippets about code in Python, as they were written."""

from __future__ import annotations

from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.scenarios.snippets import written
from opensandbox import Sandbox
from opensandbox.exceptions import ContextNotFoundException

_CONTEXTS: Final = """
from code_interpreter import CodeInterpreter, SupportedLanguage

interpreter = await CodeInterpreter.create(sandbox)

# Create Python context
context = await interpreter.codes.create_context(
    SupportedLanguage.PYTHON
)

# Execute code in the context
result1 = await interpreter.codes.run(
    "x = 10\\ny = 20",
    context_id=context.context_id
)

# Variables persist
result2 = await interpreter.codes.run(
    "x + y",
    context_id=context.context_id
)
print(result2.result[0].text)  # 30
"""

_STATEFUL: Final = """
context = await interpreter.codes.create_context(
    SupportedLanguage.PYTHON
)

await interpreter.codes.run("x = 100", context_id=context.context_id)
result = await interpreter.codes.run("x * 2", context_id=context.context_id)
print(result.result[0].text)  # 200
"""

_RESULTS: Final = """
result = await interpreter.codes.run(
    "2 + 2",
    language=SupportedLanguage.PYTHON
)

# Result value (last expression)
print(result.result[0].text)  # "4"

# Standard output
print(result.logs.stdout)  # List of output lines

# Standard error
print(result.logs.stderr)  # List of error lines

# Execution count
print(result.execution_count)  # 1
"""

_DELETING: Final = """
await interpreter.codes.delete_context(context.context_id)
"""


@scenario(
    "sdk",
    "sdk-code.seed-contexts",
    "sdk-code.seed-state",
    "sdk-code.seed-results",
    "sdk-code.seed-delete",
    profiles=("full", "compat"),
    limit_s=60,
)
async def test_code_of_the_seed(checks: Checks, sandbox_async: Sandbox) -> None:
    """Its four snippets, one after another."""
    names: dict[str, Any] = {"sandbox": sandbox_async}
    checks.equal("sdk-code.seed-contexts", await written(_CONTEXTS, names), ["30"])
    interpreter, first = names["interpreter"], names["context"]
    await written(_DELETING, names)
    checks.equal("sdk-code.seed-state", await written(_STATEFUL, names), ["200"])
    value, stdout, stderr, count = await written(_RESULTS, names)
    checks.equal("sdk-code.seed-results", (value, stdout, stderr), ("4", "[]", "[]"))
    checks.that("sdk-code.seed-results", count.isdigit() and int(count) >= 1, count)  # others run code there too
    await written(_DELETING, names)
    for context in (first, names["context"]):
        try:
            await interpreter.codes.run("1", context_id=context.context_id)
        except ContextNotFoundException:
            checks.that("sdk-code.seed-delete", ok=True)
        else:
            checks.that("sdk-code.seed-delete", ok=False, saw="the context still takes code")
