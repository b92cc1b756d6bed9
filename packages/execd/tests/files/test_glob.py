"""Patterns of a search."""

from __future__ import annotations

import re
import time
from fnmatch import translate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execd.files.glob import MAX_ALTERNATIVES, compile_pattern

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
FEW = st.lists(
    st.text("ab.", min_size=1, max_size=3).filter(lambda name: name not in (".", "..")), min_size=1, max_size=4
)


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("*.py", ["a.py", "x/y/.py", "x/.a.py"], ["a.pyc", "a.py/b"]),
        ("?", ["a", "x/ä", "\udcff"], ["ab", ""]),
        ("[a-c]x", ["ax", "d/bx"], ["dx", "[a-c]x"]),
        ("[!a]", ["b", "x/c"], ["a"]),
        ("[^a]", ["b"], ["a"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[z-a]", [], ["z", "a", "-"]),
        ("a[", ["a["], ["a"]),
        ("[a/b]", ["[a/b]"], ["a", "b", "/"]),
        ("{a,b}.txt", ["a.txt", "x/b.txt"], ["{a,b}.txt", "c.txt"]),
        ("{a,b{c,d}}", ["a", "bc", "bd"], ["b"]),
        ("{a}", ["{a}"], ["a"]),
        ("a{", ["a{"], ["a"]),
        ("{,a}b", ["b", "ab"], ["cb"]),
        ("\\*", ["*"], ["a"]),
        ("\\{a,b\\}", ["{a,b}"], ["a"]),
        ("[{]", ["{"], ["[{]"]),
        ("./*.log", ["a.log"], ["x/a.log"]),
        ("/*.log", ["a.log"], ["x/a.log"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "y/src/a.py"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["a/x"]),
        ("a/**", ["a/x", "a/x/y"], ["a", "b/x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b"]),
        ("**/a/**/b", ["a/b", "x/a/y/b", "a/a/b"], ["b", "x/b"]),
        ("a**b", ["ab", "axb"], ["a/b"]),
        ("**", ["a", "x/a"], []),
        ("{a/b,c}", ["a/b", "c", "x/c"], ["x/a/b", "b"]),
        ("**/{a,b}", ["a", "x/b"], ["c"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, hits: list[str], misses: list[str]) -> None:
    compiled = compile_pattern(pattern)

    assert [path for path in hits if not compiled.matches(path)] == []
    assert [path for path in misses if compiled.matches(path)] == []


@given(PATHS)
def test_a_path_is_matched_by_itself_with_everything_escaped(path: str) -> None:
    escaped = re.sub(r"([^/])", r"\\\1", path, flags=re.DOTALL)

    assert compile_pattern(f"./{escaped}").matches(path)


@given(st.text("ab*?[]!-", min_size=1, max_size=8), st.text("ab*?[]!-", min_size=1, max_size=8))
@example("[a-]", "-")
@example("[!]", "[!]")
def test_a_name_is_matched_as_the_standard_library_does(pattern: str, name: str) -> None:
    assert compile_pattern(pattern).matches(name) == (re.match(translate(pattern), name) is not None)


@given(st.lists(st.sampled_from(["a", "b", "?", "*", "**", "*b", ".a"]), min_size=2, max_size=6), FEW)
def test_steps_are_matched_one_by_one_and_two_stars_take_any_number(steps: list[str], path: list[str]) -> None:
    assert compile_pattern("./" + "/".join(steps)).matches("/".join(path)) == _naive(steps, path)


def _naive(steps: list[str], path: list[str]) -> bool:
    if not steps or not path:
        return not steps and not path
    step, *rest = steps
    if step != "**":
        return re.match(translate(step), path[0]) is not None and _naive(rest, path[1:])
    if not rest:
        return True
    return any(_naive(rest, path[count:]) for count in range(len(path) + 1))


@given(st.lists(st.sampled_from(["a", "*", "**", "?b"]), min_size=1, max_size=4), FEW)
def test_nothing_deeper_than_the_bound_matches(steps: list[str], path: list[str]) -> None:
    compiled = compile_pattern("./" + "/".join(steps))

    assert compiled.max_depth is None or len(path) <= compiled.max_depth or not compiled.matches("/".join(path))


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "./" + "**/a/" * 60 + "b", "?*" * 60 + "b", "{*a,*b}" * 8 + "c"])
def test_no_pattern_makes_a_name_take_long(pattern: str) -> None:
    compiled = compile_pattern(pattern)

    started = time.process_time()
    compiled.matches("a/" * 120 + "a" * 250)

    assert time.process_time() - started < 5


@pytest.mark.parametrize("pattern", ["", "a\0b", "{a,b}" * 12])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|ways"):
        compile_pattern(pattern)


def test_as_many_alternatives_as_may_be_are_taken() -> None:
    pattern = "{" + ",".join(f"x{number}" for number in range(MAX_ALTERNATIVES)) + "}"

    assert compile_pattern(pattern).matches(f"x{MAX_ALTERNATIVES - 1}")
