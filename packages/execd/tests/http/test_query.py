"""Query strings: what comes back is what was percent-encoded, and what cannot be read names its parameter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.errors import InvalidQuery, MissingQuery
from execd.http.query import MAX_INTEGER, Query

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,9}", fullmatch=True)


@given(name=names, value=st.binary(max_size=60))
def test_any_bytes_survive_percent_encoding(name: str, value: bytes) -> None:
    assert Query(f"{name}={quote(value, safe='')}".encode()).raw(name) == value


@given(name=names, value=st.text(min_size=1, max_size=60))
def test_any_text_survives_form_encoding_with_plus_for_space(name: str, value: str) -> None:
    assert Query(f"{name}={quote_plus(value, errors='surrogatepass')}".encode()).raw(name) == value.encode(
        "utf-8", "surrogatepass"
    )


@given(query=st.binary(max_size=200))
def test_whatever_is_sent_is_read_or_refused_as_a_query(query: bytes) -> None:
    parsed = Query(b"a=" + query)
    readers: tuple[Callable[[str], object], ...] = (
        parsed.text,
        parsed.required,
        parsed.integer,
        parsed.flag,
        parsed.all,
    )
    for read in readers:
        with suppress(InvalidQuery, MissingQuery):
            read("a")


@given(number=st.integers(min_value=0, max_value=MAX_INTEGER))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    assert Query(f"after={number}".encode()).integer("after") == number


@pytest.mark.parametrize(
    "value", ["", "-1", "+1", "%2B1", "1.0", "1e3", "0x10", "1_0", " 1", "%D9%A1", "9" * 17, "9" * 5000, "%FF", "%"]
)
def test_what_is_no_plain_number_within_bounds_is_refused(value: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^after: "):
        Query(f"after={value}".encode()).integer("after")


@pytest.mark.parametrize(("value", "wanted"), [("true", True), ("1", True), ("FALSE", False), ("0", False)])
def test_a_flag_is_true_or_false(value: str, *, wanted: bool) -> None:
    assert Query(f"eof={value}".encode()).flag("eof") is wanted


@pytest.mark.parametrize("value", ["", "yes", "2", "%00"])
def test_a_flag_that_is_neither_is_refused(value: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^eof: "):
        Query(f"eof={value}".encode()).flag("eof")


@pytest.mark.parametrize("query", [b"", b"id", b"id=", b"ID=1", b"other=1"])
def test_a_required_value_that_is_absent_or_empty_is_missing(query: bytes) -> None:
    with pytest.raises(MissingQuery, match=r"^id: "):
        Query(query).required("id")


def test_the_first_of_repeated_single_values_counts() -> None:
    assert Query(b"id=a&id=b").required("id") == "a"


def test_a_repeatable_parameter_gives_all_its_values_in_order() -> None:
    assert Query(b"path=a&x=1&path=b+c&path=%ff").all("path") == [b"a", b"b c", b"\xff"]


def test_what_nobody_asks_for_may_be_broken() -> None:
    assert Query(b"junk=%zz&&=&id=a").required("id") == "a"


def test_broken_percent_encoding_in_what_is_asked_for_is_refused() -> None:
    with pytest.raises(InvalidQuery, match=r"^id: "):
        Query(b"id=%zz").required("id")
