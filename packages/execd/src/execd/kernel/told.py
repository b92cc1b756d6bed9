"""What is told of contexts: as answers, as errors, as the end of their streams."""

from __future__ import annotations

from typing import Any

from execd._wire import CodeContext
from execd.errors import InternalFault
from execd.kernel.anykernel import KernelFailed
from execd.kernel.context import Context
from execd.kernel.execution import stopped


def view(context: Context) -> CodeContext:
    """Return a context as an answer tells it."""
    setting = context.setting
    printable = setting.directory.encode(errors="replace").decode()
    return CodeContext(id=setting.id, language=setting.spec.language, cwd=printable)


def fault(failed: KernelFailed) -> InternalFault:
    """Return the error of a kernel that did not start, with its last words."""
    words = list(failed.last_words)
    last = next(filter(str.strip, reversed(words)), None)
    message = f"{failed}: {last}" if last else str(failed)
    return InternalFault(message, details={"last_words": words})


def last_event(cause: str) -> dict[str, Any]:
    """Return the end of a context's own stream, when the context is ended for this cause."""
    why = stopped(cause)
    error = {"ename": why.ename, "evalue": why.evalue, "traceback": []}
    return {"type": "error", "error": error, "code": why.code, "cause": why.cause}
