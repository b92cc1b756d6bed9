from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.process.environment import parse, read_file

names = st.text(st.characters(codec="utf-8", exclude_characters="=#$\0", exclude_categories=("Cc", "Z")), min_size=1)
values = st.text(st.characters(codec="utf-8", exclude_characters="$\0'\"", exclude_categories=("Cc", "Z")))
anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.dictionaries(names, values))
def test_what_is_written_line_by_line_is_read(variables: dict[str, str]) -> None:
    assert parse("\n".join(f"{name}={value}" for name, value in variables.items()), environment={}) == variables


def test_the_last_of_several_lines_wins_and_the_daemon_s_variables_are_known() -> None:
    text = "PATH=/a:$PATH\nPATH=/b:${PATH}\nEMPTY=\nNONE=<$NONE>\nSUM=1=1\n"
    expected = {"PATH": "/b:/bin", "EMPTY": "", "NONE": "<>", "SUM": "1=1"}
    assert parse(text, environment={"PATH": "/bin"}) == expected


def test_what_is_no_assignment_is_passed_over() -> None:
    assert parse("# A=1\n\nnonsense\n=x\nB\0=1\nC=\0\n  D = 2\n", environment={}) == {"D": "2"}


@given(st.dictionaries(names, anything))
def test_what_deployed_clients_write_is_read_as_they_were_given_it(variables: dict[str, str]) -> None:
    text = "\n".join(f"{name}={quoted(value)}" for name, value in variables.items())
    assert parse(text, environment={"DOLLAR": "$"}) == variables


def quoted(value: str) -> str:
    """Return a value in the client's form: in single quotes, or in double quotes where it has one of those."""
    if "'" not in value:
        return f"'{value}'"
    for plain, escaped in (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")):
        value = value.replace(plain, escaped)
    return f'"{value.replace("$", "${DOLLAR}")}"'


@pytest.mark.parametrize("line", ["A='open", 'A="open', "A='a' b", 'A="a"b"', 'A="open\\"'])
def test_quotes_that_are_not_whole_are_passed_over_and_the_next_line_is_read(line: str) -> None:
    assert parse(f"{line}\nB=1\n", environment={}) == {"B": "1"}


def test_a_comment_with_a_quote_does_not_swallow_the_lines_after_it() -> None:
    assert parse("# A='1\n  # B=\"\nC=it's\nD='2'\n", environment={}) == {"C": "it's", "D": "2"}


def test_dollars_are_variables_in_double_quotes_and_not_in_single_ones() -> None:
    text = "A='$HOME'\nB=\"$HOME ${NONE}.\"\nC = \t' x ' \r\n"
    assert parse(text, environment={"HOME": "/root"}) == {"A": "$HOME", "B": "/root .", "C": " x "}


def test_no_file_no_variables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "secret").write_text("A=1")
    for path in (None, "", str(tmp_path / "none"), str(tmp_path), str(tmp_path / "fifo"), "nul\0"):
        assert read_file(path, environment={}) == {}


def test_the_file_is_read_anew_and_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    file = tmp_path / "envs"
    file.write_bytes(b"A=\xff")
    assert os.fsencode(read_file("~/envs", environment={"HOME": str(tmp_path)})["A"]) == b"\xff"
    file.write_text("A=2")
    assert read_file(str(file), environment={}) == {"A": "2"}
