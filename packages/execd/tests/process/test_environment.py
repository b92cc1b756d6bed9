from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from execd.process.environment import parse, read_file

names = st.text(st.characters(codec="utf-8", exclude_characters="=#$\0", exclude_categories=("Cc", "Z")), min_size=1)
values = st.text(st.characters(codec="utf-8", exclude_characters="$\0", exclude_categories=("Cc", "Z")))


@given(st.dictionaries(names, values))
def test_what_is_written_line_by_line_is_read(variables: dict[str, str]) -> None:
    assert parse("\n".join(f"{name}={value}" for name, value in variables.items()), environment={}) == variables


def test_the_last_of_several_lines_wins_and_the_daemon_s_variables_are_known() -> None:
    text = "PATH=/a:$PATH\nPATH=/b:${PATH}\nEMPTY=\nNONE=<$NONE>\nSUM=1=1\n"
    expected = {"PATH": "/b:/bin", "EMPTY": "", "NONE": "<>", "SUM": "1=1"}
    assert parse(text, environment={"PATH": "/bin"}) == expected


def test_what_is_no_assignment_is_passed_over() -> None:
    assert parse("# A=1\n\nnonsense\n=x\nB\0=1\nC=\0\n  D = 2\n", environment={}) == {"D": " 2"}


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
