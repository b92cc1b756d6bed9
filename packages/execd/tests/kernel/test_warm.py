"""What has to be changed in a kernel's variables, and which changes are none that it could make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.kernel.spec import RESOURCES
from execd.kernel.specs import PYTHON
from execd.kernel.warm import MARK, changes
from execd.process import members

environments = st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from(["", "1", "2"]))


@given(environments, environments)
def test_what_is_changed_makes_one_environment_of_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    made: dict[str, str | None] = {**before, **(changes(before, after, fixed=()) or {})}
    assert {name: value for name, value in made.items() if value is not None} == after


@given(environments)
def test_nothing_is_changed_where_nothing_differs(same: dict[str, str]) -> None:
    assert changes(same, dict(same), fixed=["*"]) == {}


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "HOME", "VIRTUAL_ENV", "TMPDIR"])
def test_what_an_interpreter_reads_at_its_start_cannot_be_changed(name: str) -> None:
    assert PYTHON.adoptable
    fixed = PYTHON.adoptable.fixed
    assert changes({name: "1"}, {name: "2"}, fixed=fixed) is None
    assert changes({name: "1"}, {}, fixed=fixed) is None
    assert changes({name: "1"}, {name: "1", "A": "1"}, fixed=fixed) == {"A": "1"}


def test_everybody_calls_the_mark_by_one_name() -> None:
    assert members.MARK == MARK
    assert f'b"{MARK}="' in (RESOURCES / "adopt_python.py").read_text()
