"""`CodeInterpreter`: the way into the code of one sandbox."""

from __future__ import annotations

from code_interpreter._async.codes import Codes
from opensandbox import Sandbox


class CodeInterpreter:
    """Runs code in a sandbox, in contexts that keep its state.

    It needs no closing: leaving the sandbox stops what runs in it. Contexts of a sandbox that was connected to go on.
    """

    codes: Codes
    """Run code, and manage the contexts that it runs in."""
    sandbox: Sandbox
    """Where the code runs, with its commands and files."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.codes = Codes(sandbox.transport, sandbox.runs)

    @classmethod
    async def create(cls, sandbox: Sandbox) -> CodeInterpreter:
        """Make an interpreter for a sandbox.

        Example:
            >>> interpreter = await CodeInterpreter.create(sandbox)  # doctest: +SKIP
            >>> (await interpreter.codes.run("2 + 2")).text  # doctest: +SKIP
            '4'
        """
        return cls(sandbox)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sandbox!r})"
