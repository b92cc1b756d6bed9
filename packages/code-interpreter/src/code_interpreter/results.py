"""What calls return: frozen values with readable reprs."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from code_interpreter import _html
from code_interpreter._charts import reading
from code_interpreter.charts import Chart
from code_interpreter.tables import Table
from opensandbox.exceptions import ExecutionFailedException
from opensandbox.results import Execution

__all__ = ["CodeContext", "CodeExecution", "InputRequest", "Language", "Result", "SupportedLanguage"]

_SHOWN: Final = 60
_NEVER: Final = datetime.fromtimestamp(0, tz=UTC)
_FORMS: Final[dict[str, tuple[str, bool]]] = {
    ".png": ("image/png", True),
    ".jpg": ("image/jpeg", True),
    ".jpeg": ("image/jpeg", True),
    ".gif": ("image/gif", True),
    ".webp": ("image/webp", True),
    ".pdf": ("application/pdf", True),
    ".svg": ("image/svg+xml", False),
    ".html": ("text/html", False),
    ".md": ("text/markdown", False),
    ".tex": ("text/latex", False),
    ".json": ("application/json", False),
    ".csv": ("", False),
    ".txt": ("text/plain", False),
}
"""End of a file's name → MIME type, and whether that is told in base64."""


class SupportedLanguage(StrEnum):
    """The languages of the API; `codes.languages()` tells which of them a sandbox has."""

    PYTHON = "python"
    JAVA = "java"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    GO = "go"
    BASH = "bash"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeContext:
    """A context, in which code keeps its state; good wherever a context id is, in another process too."""

    context_id: str
    language: str
    working_dir: str | None = None
    """Where its code started."""

    def __str__(self) -> str:
        """Return the context id."""
        return self.context_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language that a sandbox has."""

    name: str
    aliases: tuple[str, ...]
    """Other names that calls take."""
    kernel: str
    """What serves it, and its version."""
    version: str
    warm: int
    """How many kernels stand ready."""
    limits: tuple[str, ...]
    """What it cannot do."""
    warm_memory_bytes: int | None = None
    """The memory that is held for each of them; None where none stands ready."""


class InputRequest(str):
    """What code that waits for a line of input shows: a string that knows whether the answer is a secret."""

    __slots__ = ("is_password",)

    is_password: bool

    def __new__(cls, prompt: str, *, is_password: bool = False) -> Self:
        """Make a request for input."""
        request = super().__new__(cls, prompt)
        request.is_password = is_password
        return request

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """Pickle the request with what it knows."""
        return (str(self),), {"is_password": self.is_password}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Something that a cell shows: the value of its last expression, or what its code displays.

    Each form of it has a property, None where the kernel gives no such form; `mime` has them all.

    Example:
        >>> Result(mime={"text/plain": "4", "image/png": "iVBORw0KGgo="}).png
        b'\\x89PNG\\r\\n\\x1a\\n'
    """

    mime: Mapping[str, str]
    """MIME type to text as the kernel gave it: binary types in base64, JSON types as JSON text."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """MIME type to value, for those that are values: JSON types."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the code says about it, by MIME type."""
    is_main_result: bool = False
    """Whether it is the value of the last expression."""
    display_id: str | None = None
    """A name by which the code can update it."""
    is_update: bool = False
    """Whether it takes the place of what was displayed under that name."""
    timestamp: datetime = field(default=_NEVER, compare=False)
    """When the sandbox got it; aware, UTC."""

    @property
    def text(self) -> str | None:
        """As plain text."""
        return self.mime.get("text/plain")

    @property
    def html(self) -> str | None:
        """As HTML."""
        return self.mime.get("text/html")

    @property
    def markdown(self) -> str | None:
        """As Markdown."""
        return self.mime.get("text/markdown")

    @property
    def latex(self) -> str | None:
        """As LaTeX."""
        return self.mime.get("text/latex")

    @property
    def svg(self) -> str | None:
        """As an SVG image."""
        return self.mime.get("image/svg+xml")

    @property
    def json(self) -> Any:
        """As a JSON value."""
        kind = "application/json"
        if kind in self.values:
            return self.values[kind]
        return msgspec.json.decode(self.mime[kind]) if kind in self.mime else None

    @property
    def png(self) -> bytes | None:
        """As a PNG image; in base64 it is `mime["image/png"]`."""
        return self._binary("image/png")

    @property
    def jpeg(self) -> bytes | None:
        """As a JPEG image."""
        return self._binary("image/jpeg")

    @property
    def pdf(self) -> bytes | None:
        """As a PDF document."""
        return self._binary("application/pdf")

    @property
    def data(self) -> Table | None:
        """As a table: a frame or a series of pandas or Polars."""
        return reading.table(self.values)

    @property
    def chart(self) -> Chart | None:
        """As a chart: a figure of Matplotlib, Plotly or Altair."""
        return reading.chart(self.values)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the form that a file's name asks for by its end: `.png`, `.svg`, `.pdf`, `.html`, `.csv`, `.txt`.

        Raises:
            ValueError: There is no such form; what there is is named.
            OSError: The file cannot be written.
        """
        place = Path(path)
        content = self._content(place.suffix.lower())
        if content is None:
            there = ", ".join(end for end in _FORMS if self._content(end) is not None)
            raise ValueError(f"{place.name}: this result has no such form; it has {there or 'none'}")
        place.write_bytes(content)
        return place

    def _content(self, end: str) -> bytes | None:
        if end == ".csv":
            return None if self.data is None else self.data.to_csv().encode()
        kind, is_binary = _FORMS.get(end, ("", False))
        if kind not in self.mime:
            return None
        return b64decode(self.mime[kind]) if is_binary else self.mime[kind].encode()

    def _binary(self, kind: str) -> bytes | None:
        return b64decode(self.mime[kind]) if kind in self.mime else None

    def _repr_mimebundle_(
        self,
        include: object = None,
        exclude: object = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show it in a notebook as the kernel would have; IPython filters by itself what comes back."""
        return {**self.mime, **self.values}, dict(self.metadata)

    def __repr__(self) -> str:
        """Show the text, and which other forms there are."""
        others = [kind for kind in self.mime if kind != "text/plain"]
        more = f", {', '.join(others)}" if others else ""
        return f"Result({_short(self.text)}{more})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CodeExecution(Execution):
    """A cell that ended, or (in an exception that says so) what came of one.

    Example:
        >>> execution = await interpreter.codes.run("print('hi'); 2 + 2")  # doctest: +SKIP
        >>> execution.text, execution.logs.stdout  # doctest: +SKIP
        ('4', ['hi'])
    """

    result: tuple[Result, ...] = ()
    """What the cell shows at its end, in order of arrival: updates and `clear_output` have been followed."""
    execution_count: int | None = None
    """The number that the kernel counts the cell by."""
    state_lost: bool | None = None
    """Whether what this cell and those before it have defined is gone."""
    restarted: bool = False
    """Whether it began in a fresh kernel, because the one before had died."""

    @property
    def text(self) -> str | None:
        """The value of the last expression as plain text, None if there is none."""
        main = [each for each in self.result if each.is_main_result]
        return main[-1].text if main else None

    def check(self) -> Self:
        """Return the execution, or raise `ExecutionFailedException` if the code raised."""
        if self.error is None:
            return self
        failed = ExecutionFailedException(
            f"{self.error.name}: {self.error.value}",
            details={"name": self.error.name, "value": self.error.value, "traceback": list(self.error.traceback)},
        )
        failed.execution = self
        failed.state_lost = self.state_lost
        raise failed

    def _repr_html_(self) -> str:
        """Show it in a notebook as if the cell had been run there: output, results, error."""
        parts = [_html.pre(self.stdout)] if self.stdout else []
        parts += [_html.pre(self.stderr, "#a33")] if self.stderr else []
        parts += [_html.result(each.mime) for each in self.result]
        if self.error is not None:
            said = "\n".join(self.error.traceback)
            told = said if self.error.name in said else f"{said}\n{self.error.name}: {self.error.value}".lstrip("\n")
            parts.append(_html.pre(told, "#a33"))
        return _html.page(parts)

    def __repr__(self) -> str:
        """Show how it ended, what it shows, and the beginning of its output."""
        said = {
            "cause": self.cause,
            "text": self.text,
            "error": None if self.error is None else f"{self.error.name}: {self.error.value}",
            "stdout": self.stdout,
            "stderr": self.stderr,
        }
        shown = [f"{name}={_short(value)}" for name, value in said.items() if value]
        return f"CodeExecution({', '.join([f'id={self.id!r}', *shown, f'result={list(self.result)!r}'])})"


def _short(text: str | None) -> str:
    return repr(text) if text is None or len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text)} characters)"
