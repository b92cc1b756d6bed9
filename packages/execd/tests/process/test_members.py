from __future__ import annotations

import os
import signal
import subprocess
import uuid

from hypothesis import given
from hypothesis import strategies as st

from execd.process.members import Census, Process, family, look, parse_mark, parse_stat, take_census, take_orphans

MARK = uuid.uuid4().hex
pids = st.integers(1, 8)
processes = st.lists(
    st.tuples(
        st.builds(
            Process,
            pid=pids,
            state=st.sampled_from("RSZ"),
            parent=pids,
            group=pids,
            session=pids,
            start=st.just(0),
        ),
        st.sampled_from(["ours", "other", None]),
    ),
    max_size=8,
    unique_by=lambda entry: entry[0].pid,
)


@given(processes, pids)
def test_members_are_group_session_mark_and_all_who_descend_from_them(
    table: list[tuple[Process, str | None]], leader: int
) -> None:
    expected = {
        process.pid
        for process, mark in table
        if process.state != "Z" and (leader in (process.group, process.session) or mark == "ours")
    } | {leader}
    while more := {process.pid for process, _ in table if process.parent in expected} - expected:
        expected |= more
    living = {process.pid for process, _ in table if process.state != "Z"}
    assert {process.pid for process in Census(table).members(leader, "ours")} == (expected & living) - {leader}


@given(st.binary(max_size=15).filter(lambda name: b"\0" not in name))
def test_a_name_of_any_bytes_does_not_disturb_the_parsing(name: bytes) -> None:
    line = b"12 (%b) S 3 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0" % name
    assert parse_stat(line) == Process(12, "S", 3, 4, 5, 77)


def test_the_mark_is_a_whole_name() -> None:
    assert parse_mark(b"NOT_EXECD_EXECUTION_ID=a\0X=EXECD_EXECUTION_ID=b\0") is None
    assert parse_mark(b"") is None
    assert parse_mark(b"A=\0EXECD_EXECUTION_ID=\xff") == "\ufffd"


def test_a_census_finds_what_is_marked_below_the_root_and_never_the_daemon() -> None:
    environment = {"EXECD_EXECUTION_ID": MARK, "PATH": os.environ["PATH"]}
    with subprocess.Popen(["sleep", "600"], env=environment) as child:
        orphan = int(subprocess.check_output(["sh", "-c", "sleep 600 >&- & echo $!"], env=environment))
        everywhere = take_census().members(-1, MARK)
        below = take_census(root=os.getpid()).members(-1, MARK)
        os.kill(orphan, signal.SIGKILL)
        child.kill()
    assert {process.pid for process in everywhere} == {child.pid, orphan}
    assert {process.pid for process in below} == {child.pid}
    own = look(os.getpid())
    assert own
    assert os.getpid() not in [process.pid for process in take_census().members(own.session, "")]


def test_a_family_is_what_descends_from_the_root_and_in_a_container_everyone() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        alone, all_of_them = family(os.getpid()), family(1)
        child.kill()
    assert {os.getpid(), child.pid} <= alone <= all_of_them
    assert os.getppid() not in alone
    assert {1, os.getppid()} <= all_of_them


def test_orphans_are_what_one_daemon_has_started_and_its_descendants() -> None:
    environment = {"PATH": os.environ["PATH"], "EXECD_INSTANCE_ID": MARK}
    start = "sh -c 'echo $$; sleep 600 >&- & echo $!; exec sleep 600 >&-' & exit"
    told = subprocess.check_output(["sh", "-c", start], env=environment, stderr=subprocess.DEVNULL)
    survivors = set(map(int, told.split()))
    adopter = look(min(survivors))
    assert adopter
    with subprocess.Popen(["sleep", "600"], env=environment) as own:
        found = {process.pid for process in take_orphans(MARK, parent=adopter.parent)}
        assert take_orphans(MARK[1:], parent=adopter.parent) == []
        for pid in (*survivors, own.pid):
            os.kill(pid, signal.SIGKILL)
    assert found == survivors


def test_nobody_has_a_number_that_is_free() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert look(child.pid) is None
