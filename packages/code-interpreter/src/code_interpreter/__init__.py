"""Run code that keeps its state, in the languages that a sandbox has.

`CodeInterpreter` is the asynchronous client, `CodeInterpreterSync` the same without `await`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import distribution as _distribution

__version__ = "0.1.0"

_FOREIGN = "opensandbox-code-interpreter"


def _refuse_foreign() -> None:
    # Both distributions install a package of this name into the same directory: whichever came last has overwritten the
    # other, file by file.
    try:
        version = _distribution(_FOREIGN).version
    except _PackageNotFoundError:
        return
    raise ImportError(
        f"the distribution {_FOREIGN!r} {version} is installed beside 'execd-code-interpreter', and both bring the "
        f"package 'code_interpreter': uninstall both, then install 'execd-code-interpreter' alone"
    )


_refuse_foreign()

from code_interpreter._async.interpreter import CodeInterpreter  # noqa: E402 - only once nothing foreign can be here
from code_interpreter._async.stream import CodeStream  # noqa: E402 - the same
from code_interpreter._sync.interpreter import CodeInterpreterSync  # noqa: E402 - the same
from code_interpreter._sync.stream import CodeStream as CodeStreamSync  # noqa: E402 - the same
from code_interpreter.charts import Axis, Box, Chart, ChartType, Pie, Series  # noqa: E402 - the same
from code_interpreter.results import (  # noqa: E402 - the same
    CodeContext,
    CodeExecution,
    InputRequest,
    Language,
    Result,
    SupportedLanguage,
)
from code_interpreter.tables import Column, Table  # noqa: E402 - the same

__all__ = [
    "Axis",
    "Box",
    "Chart",
    "ChartType",
    "CodeContext",
    "CodeExecution",
    "CodeInterpreter",
    "CodeInterpreterSync",
    "CodeStream",
    "CodeStreamSync",
    "Column",
    "InputRequest",
    "Language",
    "Pie",
    "Result",
    "Series",
    "SupportedLanguage",
    "Table",
]
