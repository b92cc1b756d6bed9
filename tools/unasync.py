"""Write the synchronous twin of the asynchronous client and of its tests, by taking words away.

Only NAME tokens change: `async` and `await` go, other names are looked up in `RENAMES`. Examples in docstrings are code
too; prose and other strings stay. No renamed name may stand inside an f-string, whose tokens depend on the Python that
runs this: so every Python gives the same twin.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from doctest import DocTestParser
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

PAIRS: Final = (
    ("packages/sdk/src/opensandbox/_async", "packages/sdk/src/opensandbox/_sync"),
    ("packages/sdk/tests/_async", "packages/sdk/tests/_sync"),
    ("packages/code-interpreter/src/code_interpreter/_async", "packages/code-interpreter/src/code_interpreter/_sync"),
    ("packages/code-interpreter/tests/_async", "packages/code-interpreter/tests/_sync"),
)

RENAMES: Final = {
    "_async": "_sync",
    # the language
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "AsyncGenerator": "Generator",
    "AsyncIterable": "Iterable",
    "AsyncIterator": "Iterator",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "anext": "next",
    # the HTTP library
    "AsyncHTTPTransport": "HTTPTransport",
    "aiter_raw": "iter_raw",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
    "handle_async_request": "handle_request",
    # _acompat
    "AsyncHandler": "Handler",
    "AsyncLineHandler": "LineHandler",
    "AsyncWork": "Work",
    "acall": "call",
    "aeach": "each",
    "afinish": "finish",
    "ain_thread": "in_thread",
    "areadable": "readable",
    "asever": "sever",
    "asleep": "sleep",
    "aspawn": "spawn",
    "atogether": "together",
    # public names
    "AsyncRun": "SyncRun",
    "AsyncRuns": "SyncRuns",
    "AsyncTransport": "SyncTransport",
    "CodeInterpreter": "CodeInterpreterSync",
    "FakeTransport": "FakeTransportSync",
    "Sandbox": "SandboxSync",
}

_DROPPED: Final = ("async", "await")
_FOREIGN: Final = "asyncio"


class UnasyncError(Exception):
    """A source that has no twin; the message says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A generated file: where it comes from, where it goes, its text, and the renames that made it."""

    source: str
    path: str
    text: str
    used: frozenset[str]


Place = tuple[int, int]
"""Row from 1, column from 0, as tokens have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A piece of a text, what stands there instead, and the renames that made it."""

    start: Place
    end: Place
    text: str = ""
    used: frozenset[str] = frozenset()


def convert(text: str, *, source: str) -> tuple[str, frozenset[str]]:
    r"""Return the twin of a module's text, and the names that were renamed on the way.

    >>> convert("async def f(s: Sandbox) -> None:\n    await s.go()\n", source="f.py")[0]
    'def f(s: SandboxSync) -> None:\n    s.go()\n'
    """
    converted, used = _converted(text, source)
    _refuse_leftovers(converted, source)
    return converted, used


def _converted(text: str, source: str) -> tuple[str, frozenset[str]]:
    _refuse_f_strings(text, source)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    edits = list(_edits(tokens, source))
    return _edited(text, edits), frozenset().union(*(edit.used for edit in edits))


def _edited(text: str, edits: list[Edit]) -> str:
    lines = text.split("\n")
    for edit in reversed(edits):
        (first, start), (last, end) = edit.start, edit.end
        lines[first - 1 : last] = [lines[first - 1][:start] + edit.text + lines[last - 1][end:]]
    return "\n".join(lines)


def _edits(tokens: list[tokenize.TokenInfo], source: str) -> Iterator[Edit]:
    for token, following in pairwise(tokens):
        if token.type == tokenize.NAME and token.string in _DROPPED:
            yield Edit(start=token.start, end=following.start if following.start[0] == token.end[0] else token.end)
        elif token.type == tokenize.NAME and token.string in RENAMES:
            used = frozenset((token.string,))
            yield Edit(start=token.start, end=token.end, text=RENAMES[token.string], used=used)
        elif token.type == tokenize.STRING and ">>> " in token.string:
            text, used = _converted_examples(token.string, source)
            yield Edit(start=token.start, end=token.end, text=text, used=used)


def _converted_examples(string: str, source: str) -> tuple[str, frozenset[str]]:
    # Without its closing quotes, which would count as the last example's output.
    quotes = string[-3:] if string.endswith(('"""', "'''")) else string[-1]
    lines, names = string.removesuffix(quotes).split("\n"), set[str]()
    for example in DocTestParser().get_examples("\n".join(lines)):
        code, used = _converted(example.source, source)
        names |= used
        for at, line in enumerate(code.splitlines(), example.lineno):
            lines[at] = lines[at][: example.indent + len(">>> ")] + line
    return "\n".join(lines) + quotes, frozenset(names)


def _refuse_f_strings(text: str, source: str) -> None:
    for string in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr)):
        for name in sorted(_names(string) & {*RENAMES, *_DROPPED}):
            raise UnasyncError(
                f"{source}:{string.lineno}: take {name!r} out of the f-string, into a variable before it"
            )


def _names(tree: ast.AST) -> set[str]:
    kinds = {ast.Name: "id", ast.Attribute: "attr", ast.keyword: "arg", ast.arg: "arg"}
    found = {str(getattr(node, kinds[type(node)])) for node in ast.walk(tree) if type(node) in kinds}
    waits = any(isinstance(node, ast.Await) for node in ast.walk(tree))
    loops = any(isinstance(node, ast.comprehension) and node.is_async for node in ast.walk(tree))
    return found | ({"await"} if waits else set()) | ({"async"} if loops else set())


def _refuse_leftovers(converted: str, source: str) -> None:
    tree = ast.parse(converted, source)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    if any(name.split(".")[0] == _FOREIGN for name in imported):
        raise UnasyncError(f"{source}: imports {_FOREIGN}, which has no twin; what differs belongs in _acompat.py")


def header(source: str) -> str:
    """Return the first line of a twin."""
    return f"# Generated from {source} by tools/unasync.py; do not edit.\n"


def twins(root: Path) -> Iterator[Twin]:
    """Yield the twin of every source under `root`."""
    for origin, destination in PAIRS:
        for path in sorted((root / origin).rglob("*.py")):
            source = path.relative_to(root).as_posix()
            text, used = convert(path.read_text(), source=source)
            target = (root / destination / path.relative_to(root / origin)).relative_to(root).as_posix()
            yield Twin(source=source, path=target, text=header(source) + text, used=used)


def orphans(root: Path, wanted: Iterable[Twin]) -> list[str]:
    """Return the files in the twins' directories that no source accounts for."""
    known = {twin.path for twin in wanted}
    there = (path for _, destination in PAIRS for path in (root / destination).rglob("*") if path.is_file())
    names = (path.relative_to(root).as_posix() for path in there if "__pycache__" not in path.parts)
    return sorted(name for name in names if name not in known)


def unused_renames(made: Iterable[Twin]) -> list[str]:
    """Return the names in `RENAMES` that no source uses."""
    return sorted(set(RENAMES) - {name for twin in made for name in twin.used})


def problems(root: Path) -> list[str]:
    """Return what is wrong with the committed twins, each with what to do."""
    try:
        made = list(twins(root))
    except UnasyncError as error:
        return [str(error)]
    stale = [twin for twin in made if not (root / twin.path).is_file() or (root / twin.path).read_text() != twin.text]
    return [
        *(f"{twin.path}: is not what {twin.source} gives; run `python tools/unasync.py`" for twin in stale),
        *(f"{name}: has no source; remove it, or run `python tools/unasync.py`" for name in orphans(root, made)),
        *(f"tools/unasync.py: RENAMES has {name!r}, which no source uses; remove it" for name in unused_renames(made)),
    ]


def write(root: Path) -> None:
    """Write every twin and remove what has no source."""
    made = list(twins(root))
    for twin in made:
        (root / twin.path).parent.mkdir(parents=True, exist_ok=True)
        (root / twin.path).write_text(twin.text)
    for name in orphans(root, made):
        (root / name).unlink()
    print(f"wrote {len(made)} twins")


def main() -> int:
    """Write the twins, or with `--check` say what is wrong with them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything is stale")
    if parser.parse_args().check:
        found = problems(ROOT)
        print("\n".join(found), end="\n" if found else "")
        return bool(found)
    try:
        write(ROOT)
    except UnasyncError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
