"""Run commands in a sandbox, watch their output live, and never lose any of it.

`Sandbox` is the asynchronous client, `SandboxSync` the same without `await`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import distribution as _distribution

__version__ = "0.1.0"

_FOREIGN = "opensandbox"


def _refuse_foreign() -> None:
    # Both distributions install a package of this name into the same directory: whichever came last has overwritten the
    # other, file by file.
    try:
        version = _distribution(_FOREIGN).version
    except _PackageNotFoundError:
        return
    raise ImportError(
        f"the distribution {_FOREIGN!r} {version} is installed beside 'execd-sdk', and both bring the package "
        f"{_FOREIGN!r}: uninstall both, then install 'execd-sdk' alone"
    )


_refuse_foreign()

from opensandbox._async.output import OutputStream  # noqa: E402 - only once nothing foreign can be among the files
from opensandbox._async.sandbox import Sandbox  # noqa: E402
from opensandbox._async.session import ShellSession  # noqa: E402
from opensandbox._core.files import WriteEntry  # noqa: E402
from opensandbox._sync.output import OutputStream as OutputStreamSync  # noqa: E402
from opensandbox._sync.sandbox import SandboxSync  # noqa: E402
from opensandbox._sync.session import ShellSession as ShellSessionSync  # noqa: E402
from opensandbox.results import (  # noqa: E402
    BackgroundCommand,
    CommandOutput,
    CommandStatus,
    Execution,
    FileChange,
    FileInfo,
    Metrics,
    OutputLine,
)

__all__ = [
    "BackgroundCommand",
    "CommandOutput",
    "CommandStatus",
    "Execution",
    "FileChange",
    "FileInfo",
    "Metrics",
    "OutputLine",
    "OutputStream",
    "OutputStreamSync",
    "Sandbox",
    "SandboxSync",
    "ShellSession",
    "ShellSessionSync",
    "WriteEntry",
]
