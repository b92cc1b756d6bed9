"""The synchronous twin: what changes, what stays, what is refused, and what is found stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noxfile import installed
from tools import unasync
from tools.unasync import UnasyncError, convert, problems, write

from .values import unhurried

ROOT = Path(unasync.__file__).resolve().parent.parent
ASYNC, SYNC = unasync.PAIRS[0]
EVERY_NAME = "\n".join(unasync.RENAMES) + "\n"


def twin(text: str) -> str:
    return convert(text, source="it.py")[0]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project whose twins are written."""
    (tmp_path / ASYNC / "deep").mkdir(parents=True)
    (tmp_path / ASYNC / "a.py").write_text("async def f():\n    await g()\n")
    (tmp_path / ASYNC / "deep" / "names.py").write_text(EVERY_NAME)
    write(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("async def f():\n    return await g()\n", "def f():\n    return g()\n"),
        ("async def f():\n    async with a as b:\n        pass\n", "def f():\n    with a as b:\n        pass\n"),
        ("async def f():\n    async for a in b:\n        pass\n", "def f():\n    for a in b:\n        pass\n"),
        ("async def f():\n    return [a async for a in b]\n", "def f():\n    return [a for a in b]\n"),
        ("async def f():\n    return (await g()).x\n", "def f():\n    return (g()).x\n"),
        (
            "async def f():\n    return (\n        await\n        g()\n    )\n",
            "def f():\n    return (\n        \n        g()\n    )\n",
        ),
        ("async  def f(): pass\n", "def f(): pass\n"),
        ("from opensandbox._async.transport import X\n", "from opensandbox._sync.transport import X\n"),
        ("class C:\n    def __aenter__(self): self.aclose()\n", "class C:\n    def __enter__(self): self.close()\n"),
        ('x = "é", Sandbox, "ü", Sandbox\n', 'x = "é", SandboxSync, "ü", SandboxSync\n'),
    ],
)
def test_words_are_taken_away_and_names_looked_up(source: str, result: str) -> None:
    assert twin(source) == result


@pytest.mark.parametrize(
    "text",
    [
        'x = "await Sandbox"\n',
        "# await the Sandbox\n",
        '"""Wait: `await Sandbox.connect()`."""\n',
        "SandboxError = asyncing = awaited = 1\n",
        'y = 1\nx = f"await Sandbox {y}"\n',
    ],
)
def test_strings_comments_and_longer_names_stay(text: str) -> None:
    assert twin(text) == text


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_examples_in_docstrings_are_code_and_their_output_is_not(quotes: str) -> None:
    text = """
        class C:
            {q}Await Sandbox.

            >>> async with Sandbox() as s:
            ...     print(await s.x("Sandbox"))
            Sandbox, await
            {q}
    """
    changed = text.replace("async with Sandbox()", "with SandboxSync()").replace("await s.x", "s.x")
    assert twin(_dedented(text).format(q=quotes)) == _dedented(changed).format(q=quotes)


def test_an_example_may_end_a_docstring() -> None:
    assert twin('def f():\n    """Do.\n\n    >>> await g()"""\n') == 'def f():\n    """Do.\n\n    >>> g()"""\n'


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in text.split("\n")[1:])


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("Sandbox", "Sandbox"),
        ("x.aclose", "aclose"),
        ("g(_async=1)", "_async"),
        ("await g()", "await"),
        ("[a async for a in b]", "async"),
        ("x:{Sandbox}", "Sandbox"),
        ("'{}'.format(Sandbox)", "Sandbox"),
    ],
)
def test_a_renamed_name_inside_an_f_string_is_refused(inside: str, name: str) -> None:
    text = f'x = 1\n\nasync def f():\n    return f"{{{inside}}}"\n'
    with pytest.raises(UnasyncError, match=rf"it\.py:4: take '{name}' out of the f-string"):
        twin(text)


def test_an_f_string_in_an_example_is_refused_too() -> None:
    with pytest.raises(UnasyncError, match="out of the f-string"):
        twin('"""Do.\n\n>>> f"{Sandbox}"\n"""\n')


@pytest.mark.parametrize("line", ["import asyncio", "from asyncio import Queue", "import asyncio.tasks as t"])
def test_asyncio_has_no_twin(line: str) -> None:
    with pytest.raises(UnasyncError, match=r"it\.py: imports asyncio.*_acompat"):
        twin(f"{line}\n")


def test_no_new_name_is_renamed_again() -> None:
    assert set(unasync.RENAMES) & set(unasync.RENAMES.values()) == set()


NAMES = st.sampled_from([*unasync.RENAMES, "async", "await", "other", "x"])


@unhurried
@given(st.lists(NAMES.filter(lambda name: name not in ("async", "await"))))
def test_a_twin_is_its_own_twin(names: list[str]) -> None:
    once = twin("\n".join(names) + "\n")
    assert twin(once) == once


@unhurried
@given(st.lists(st.sampled_from(["other", "x"]), min_size=1), st.lists(st.sampled_from(list(unasync.RENAMES))))
def test_the_used_names_are_those_that_were_there(others: list[str], renamed: list[str]) -> None:
    assert convert("\n".join(others + renamed), source="it.py")[1] == set(renamed)


SHOW_TWINS = (
    "import sys; from tools.unasync import convert; [print(convert(open(a).read(), source=a)[0]) for a in sys.argv[1:]]"
)


@pytest.mark.slow
def test_every_python_gives_the_same_twins() -> None:
    sources = [path for origin, _ in unasync.PAIRS for path in sorted((ROOT / origin).rglob("*.py"))]
    outputs = {
        subprocess.run(
            [python, "-c", SHOW_TWINS, *sources], cwd=ROOT, capture_output=True, timeout=50, check=True
        ).stdout
        for python in [sys.executable, *installed().values()]
    }
    assert len(outputs) == 1


def test_what_is_written_is_right_and_says_where_it_comes_from(tree: Path) -> None:
    assert problems(tree) == []
    assert (tree / SYNC / "a.py").read_text().splitlines() == [
        f"# Generated from {ASYNC}/a.py by tools/unasync.py; do not edit.",
        "def f():",
        "    g()",
    ]


def test_an_edited_twin_is_stale(tree: Path) -> None:
    (tree / SYNC / "a.py").write_text("def f(): pass\n")
    assert problems(tree) == [f"{SYNC}/a.py: is not what {ASYNC}/a.py gives; run `python tools/unasync.py`"]


def test_a_missing_twin_is_stale(tree: Path) -> None:
    (tree / SYNC / "deep" / "names.py").unlink()
    assert problems(tree)[0].startswith(f"{SYNC}/deep/names.py: is not what")


def test_a_twin_without_a_source_is_an_orphan_until_it_is_written_again(tree: Path) -> None:
    (tree / ASYNC / "a.py").unlink()
    (tree / SYNC / "notes.txt").write_text("x")
    assert [line.split(":")[0] for line in problems(tree)] == [f"{SYNC}/a.py", f"{SYNC}/notes.txt"]
    write(tree)
    assert problems(tree) == []


def test_a_rename_that_nothing_uses_is_told(tree: Path) -> None:
    (tree / ASYNC / "deep" / "names.py").write_text(EVERY_NAME.replace("aclose\n", ""))
    write(tree)
    assert problems(tree) == ["tools/unasync.py: RENAMES has 'aclose', which no source uses; remove it"]


def test_a_source_without_a_twin_is_told_as_a_problem(tree: Path) -> None:
    (tree / ASYNC / "a.py").write_text("import asyncio\n")
    assert problems(tree)[0].startswith(f"{ASYNC}/a.py: imports asyncio")
