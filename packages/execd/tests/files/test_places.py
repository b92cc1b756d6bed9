"""Places: paths are absolute when they come out, and only their start is special."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.files.places import Places

PLACES = Places(root="/srv", environment={"HOME": "/home/ada", "DATA": "sets", "EMPTY": "", "ABS": "/srv/x"})
steps = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("given_path", "meant"),
    [
        ("/a/b", "/a/b"),
        ("a/b", "/srv/a/b"),
        ("~", "/home/ada"),
        ("~/x", "/home/ada/x"),
        ("~bob/x", "/srv/~bob/x"),
        ("a/~/x", "/srv/a/~/x"),
        ("$HOME/x", "/home/ada/x"),
        ("${ABS}y", "/srv/xy"),
        ("$DATA/x", "/srv/sets/x"),
        ("$DATAx/y", "/srv/$DATAx/y"),
        ("$NONE/x", "/srv/$NONE/x"),
        ("$EMPTY/x", "/x"),
        ("/srv/$HOME/${DATA}", "/srv/$HOME/${DATA}"),
        ("price$", "/srv/price$"),
        ("$", "/srv/$"),
        ("./a//b/./c/", "/srv/a/b/c"),
        ("/a/../b", "/a/../b"),
        (".", "/srv"),
        ("/", "/"),
    ],
)
def test_a_path_means(given_path: str, meant: str) -> None:
    assert PLACES.resolve(given_path) == meant


@given(st.lists(steps, max_size=5))
def test_an_absolute_path_means_itself_whatever_is_in_it(names: list[str]) -> None:
    path = "/" + "/".join(name for name in names if name != ".")
    assert PLACES.resolve(path) == path


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_comes_out_is_absolute_and_stays_as_it_is_when_resolved_again(path: str) -> None:
    once = PLACES.resolve(path)
    assert once.startswith("/")
    assert PLACES.resolve(once) == once
