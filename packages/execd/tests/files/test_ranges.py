"""Ranges: against a plain reading of RFC 9110, for files and headers of any kind."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execd.files.ranges import Span, Validators, disposition, is_unchanged, may_be_partial, spans

sizes = st.integers(0, 50)
positions = st.integers(0, 60)
NOW = Validators(etag=b'"a-b"', modified_s=1_000_000_000)


@given(sizes, positions, positions)
@example(50, 0, 10**30)
@example(50, 10**30, 10**30)
def test_a_range_with_both_ends_is_those_bytes_of_the_file(size: int, first: int, last: int) -> None:
    found = spans(b"bytes=%d-%d" % (first, last), size=size)
    if last < first:
        assert found is None
        return
    wanted = list(range(size))[first : last + 1]
    assert found == ([Span(wanted[0], wanted[-1] + 1)] if wanted else [])


@given(sizes, positions)
def test_an_open_range_goes_to_the_end(size: int, first: int) -> None:
    found = spans(b"bytes=%d-" % first, size=size)
    assert found == ([Span(first, size)] if first < size else [])


@given(sizes, positions)
def test_a_suffix_is_the_last_bytes_and_at_most_all(size: int, count: int) -> None:
    found = spans(b"bytes=-%d" % count, size=size)
    wanted = min(count, size)
    assert found == ([Span(size - wanted, size)] if wanted else [])


@given(st.lists(st.tuples(positions, positions), min_size=1, max_size=5), sizes)
def test_several_ranges_are_each_range_for_itself(pairs: list[tuple[int, int]], size: int) -> None:
    parts = [b"%d-%d" % (min(pair), max(pair)) for pair in pairs]
    alone = [spans(b"bytes=" + part, size=size) or [] for part in parts]
    assert spans(b"bytes=" + b" , ".join(parts), size=size) == [span for found in alone for span in found]


@given(st.binary(max_size=40), sizes)
@example(b"bytes=0-18446744073709551616", 10)
@example(b"bytes=" + b"9" * 5000 + b"-", 10)
def test_any_header_gives_spans_that_lie_in_the_file_or_nothing(header: bytes, size: int) -> None:
    for span in spans(header, size=size) or []:
        assert 0 <= span.start < span.stop <= size
        assert len(span) == span.stop - span.start


@pytest.mark.parametrize(
    "header", [None, b"", b"lines=1-2", b"bytes", b"bytes=", b"bytes=-", b"bytes=a-b", b"bytes=1-2,x", b"bytes=5-2"]
)
def test_what_is_malformed_or_of_another_unit_asks_for_nothing(header: bytes | None) -> None:
    assert spans(header, size=10) is None


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        (b'"a-b"', True),
        (b'W/"a-b"', True),
        (b'"x", "a-b"', True),
        (b"*", True),
        (b'"x"', False),
        (b"a-b", False),
        (b"", False),
    ],
)
def test_a_tag_that_the_asker_has_is_known(if_none_match: bytes, known: bool) -> None:
    # The date would say otherwise, and does not count beside a tag.
    date = b"Sat, 01 Jan 2000 00:00:00 GMT" if known else NOW.last_modified
    assert is_unchanged(if_none_match=if_none_match, if_modified_since=date, now=NOW) is known


@given(st.integers(-100, 100))
def test_a_file_is_unchanged_since_a_date_that_is_not_before_its_last_change(after_s: int) -> None:
    date = Validators(etag=b"", modified_s=NOW.modified_s + after_s).last_modified
    assert is_unchanged(if_none_match=None, if_modified_since=date, now=NOW) is (after_s >= 0)


@given(st.binary(max_size=40))
def test_a_date_that_is_none_is_as_good_as_absent(date: bytes) -> None:
    assert is_unchanged(if_none_match=None, if_modified_since=date, now=NOW) is False


@pytest.mark.parametrize(
    ("if_range", "clock_s", "fits"),
    [
        (None, 0, True),
        (NOW.etag, 0, True),
        (b"W/" + NOW.etag, 0, False),
        (b'"other"', 0, False),
        (NOW.last_modified, NOW.modified_s + 1, True),
        (NOW.last_modified, NOW.modified_s + 0.5, False),
        (b"Sat, 01 Jan 2000 00:00:00 GMT", NOW.modified_s + 9, False),
        (b"nonsense", NOW.modified_s + 9, False),
    ],
)
def test_a_range_is_given_only_of_the_state_that_the_asker_began_with(
    if_range: bytes | None, clock_s: float, fits: bool
) -> None:
    assert may_be_partial(if_range, now=NOW, clock_s=clock_s) is fits


@given(st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name))
@example('a"b\\c.txt')
@example("a;b=c, d%20.txt")
@example("Übergröße 😀.txt")
@example("line\r\nX-Injected: 1")
def test_any_file_name_survives_its_header_and_cannot_leave_it(name: str) -> None:
    header = disposition(name).decode("ascii")
    match = re.fullmatch(
        r"""attachment; filename="([^"\\]+)"(?:; filename\*=UTF-8''([!#$%&+.^_`|~0-9A-Za-z-]+))?""", header
    )
    assert match is not None, header
    assert header.isprintable()
    plain, true = match.groups()
    assert (unquote(true) if true else plain) == name.encode("utf-8", "replace").decode()
