"""Modes: what is written is read back, in every form, and nothing else is taken for a mode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.files.modes import ALL_BITS, from_wire, to_wire

bits = st.integers(1, ALL_BITS)


@given(bits)
def test_every_mode_survives_the_wire_in_all_its_forms(mode: int) -> None:
    digits = f"{mode:o}"
    forms: list[int | str] = [to_wire(mode), digits, f"0{digits}", f"0o{digits}", f"{mode:04o}"]
    assert [from_wire(form) for form in forms] == [mode] * len(forms)


@given(st.integers(0, 0xFFFF))
def test_only_the_twelve_permission_bits_go_out(mode: int) -> None:
    assert from_wire(to_wire(mode)) == (mode & ALL_BITS or None)


@pytest.mark.parametrize("nothing", [0, "0", "0000", "0o0", None])
def test_zero_leaves_the_mode_as_it_is(nothing: int | str | None) -> None:
    assert from_wire(nothing) is None


@pytest.mark.parametrize(
    "wrong", [8, 649, -644, 10000, 77777, "", "rwx", "0x1ff", "644\n", " 644", "0b1", "٦٤٤", "0o10000"]
)
def test_what_is_no_octal_mode_is_refused(wrong: int | str) -> None:
    with pytest.raises(ValueError, match="no octal mode"):
        from_wire(wrong)
