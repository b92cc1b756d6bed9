from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from execd.paths import absolute, expand

HOME = {"HOME": "/home/ada", "A": "x", "EMPTY": ""}


@given(st.text(st.characters(exclude_characters="~$")))
def test_what_holds_no_sign_stays_as_it_is(path: str) -> None:
    assert expand(path, environment=HOME) == path


def test_signs_are_replaced_once() -> None:
    assert expand("~", environment=HOME) == "/home/ada"
    assert expand("~/$A/${A}b$EMPTY", environment=HOME) == "/home/ada/x/xb"
    assert expand("$B", environment={"B": "$A", "A": "never"}) == "$A"
    assert expand("~/x", environment={"HOME": "$A"}) == "$A/x"


def test_what_is_unknown_or_no_sign_stays_as_it_is() -> None:
    for path in ("~ada/x", "a/~", "$", "$$", "${", "${}", "$NONE/${NONE}", "~", "~/x"):
        assert expand(path, environment={}) == path


def test_relative_paths_start_at_the_root() -> None:
    assert absolute("a/b", root="/work", environment={}) == "/work/a/b"
    assert absolute("~/b", root="/work", environment=HOME) == "/home/ada/b"
    assert absolute("/b", root="/work", environment=HOME) == "/b"
