"""Limits of single runs: by the rules of version 2, and, where it can be had, with the true kernel."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from execd.errors import AlreadyFinished, CommandNotFound, InternalFault, LimitReached, NotSupported
from execd.metrics import cgroup
from execd.metrics.sampler import reader
from execd.process.groups import Controller, Place, RunGroup
from execd.process.limits import Limits
from execd.process.members import look
from execd.runs.registry import Retention

from .hierarchies import Unified
from .rooms import Room, alive, descriptors, until

MIB = 2**20
NEEDED: tuple[Controller, ...] = ("memory", "pids")


def places() -> dict[Controller, Place]:
    found = cgroup.places(reader(""))
    return {name: Place(found[name].version, found[name].own) for name in NEEDED if name in found}


def can_limit() -> bool:
    here = places()
    return len(here) == 2 and all(place.version == 1 and os.access(place.directory, os.W_OK) for place in here.values())


kernel = pytest.mark.skipif(not can_limit(), reason="no control group can be made here")


def unified(files: Unified, *, places: Callable[[], Mapping[Controller, Place]] | None = None) -> Limits:
    limits = Limits(places or (lambda: files.places), files=files)
    limits._family = lambda: files.groups["/sys/fs/cgroup/own"].processes | {os.getpid()}
    return limits


async def made(files: Unified, **wishes: int | None) -> RunGroup:
    group = unified(files).group(**{"memory_bytes": None, "pids": None, **wishes})
    assert group
    return group


# ── version 2, by its rules ──────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_wish_nothing_is_made() -> None:
    files = Unified(7)
    assert unified(files).group(memory_bytes=None, pids=None) is None
    assert len(files.groups) == 1


async def test_both_limits_stand_on_one_group_and_swap_is_no_way_out() -> None:
    files = Unified(7)
    group = await made(files, memory_bytes=MIB, pids=9)
    written = files.named("/1").files
    assert (written["memory.max"], written["memory.swap.max"], written["pids.max"]) == (str(MIB), "0", "9")
    assert (len(group.directories), len(group.doors)) == (1, 1)
    group.shut()


async def test_who_dies_of_memory_is_counted_in_the_run_s_own_group() -> None:
    files = Unified(7)
    group = await made(files, memory_bytes=MIB)
    files.named("/1").files["memory.events"] = "low 0\noom 5\noom_kill 2\noom_group_kill 1\n"
    assert (group.limits_memory, group.kills()) == (True, 2)
    group.shut()


async def test_kills_in_groups_of_runs_are_no_kills_elsewhere_even_when_the_groups_have_gone() -> None:
    files = Unified(7)
    limits = unified(files)
    elsewhere = limits.elsewhere(lambda: 10)
    group = limits.group(memory_bytes=MIB, pids=None)
    assert group
    files.named("/1").files["memory.events"] = "oom_kill 3\n"
    assert elsewhere() == 7
    group.release()
    assert not [path for path in files.groups if path.endswith("/1")]
    assert elsewhere() == 7


async def test_a_daemon_that_has_made_way_makes_groups_where_it_did_before() -> None:
    files = Unified(7)
    told = iter([files.places])  # A second time it would be another place.
    limits = unified(files, places=lambda: next(told))
    for pids in (8, 9):
        group = limits.group(memory_bytes=None, pids=pids)
        assert group
        group.shut()
    assert [path.count("execd-") for path in files.groups].count(1) == 4  # The home, the daemon, and both runs.


async def test_a_sealed_group_starts_nothing_more() -> None:
    files = Unified(7)
    group = await made(files, pids=9)
    group.seal()
    assert files.named("/1").files["pids.max"] == "0"
    group.shut()


async def test_a_group_stays_as_long_as_somebody_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execd.process.limits.TIDY_S", 0.001)
    files = Unified(7)
    group = await made(files, pids=9)
    files.named("/1").processes.add(77)
    group.release()
    assert group.members() == {77}
    files.named("/1").processes.clear()
    await until(lambda: not [path for path in files.groups if path.endswith("/1")])


async def test_who_lives_long_in_a_group_is_asked_for_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    files = Unified(7)
    limits = unified(files)
    group = limits.group(memory_bytes=None, pids=9)
    assert group
    files.named("/1").processes.add(77)
    delays: list[float] = []
    loop = asyncio.get_running_loop()

    def at_once(delay_s: float, *then: Any) -> asyncio.Handle:
        delays.append(delay_s)
        return loop.call_soon(*then)

    monkeypatch.setattr(loop, "call_later", at_once)
    group.release()
    await until(lambda: len(delays) > 7)
    files.named("/1").processes.clear()
    assert delays[:7] == [2, 4, 8, 16, 32, 60, 60]


async def test_a_group_that_was_cleared_away_is_made_anew() -> None:
    files = Unified(7)
    limits = unified(files)
    first = limits.group(memory_bytes=None, pids=9)
    assert first
    first.release()
    for path in [path for path in files.groups if "execd-" in path and not path.endswith("daemon")]:
        files.groups.pop(path)
    files.groups = {path: node for path, node in files.groups.items() if "execd-" not in path}
    second = limits.group(memory_bytes=None, pids=9)
    assert second
    second.shut()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
@pytest.mark.parametrize(
    ("wish", "field"), [({"memory_bytes": MIB}, "memory_limit_bytes"), ({"pids": 9}, "pids_limit")]
)
async def test_a_system_that_lets_us_make_no_group_is_named(number: int, wish: dict[str, int], field: str) -> None:
    files = Unified(7)
    files.refuses["make"] = number
    with pytest.raises(NotSupported, match=f"{field}: .*{os.strerror(number)}: /sys/fs/cgroup") as refusal:
        await made(files, **wish)
    assert refusal.value.details == {"field": field}


async def test_what_the_system_lacks_only_now_is_no_missing_support() -> None:
    files = Unified(7)
    files.refuses["make"] = errno.ENOSPC
    with pytest.raises(InternalFault, match="No space"):
        await made(files, pids=9)


async def test_a_system_without_control_groups_is_named() -> None:
    with pytest.raises(NotSupported, match="memory_limit_bytes: there is no control group for memory here"):
        Limits(dict).group(memory_bytes=MIB, pids=None)


async def test_a_controller_that_we_do_not_have_is_named_by_its_field() -> None:
    files = Unified(7, controllers=("memory",))
    with pytest.raises(NotSupported, match="pids_limit: the controller pids is not given") as refusal:
        await made(files, pids=9)
    assert refusal.value.details == {"field": "pids_limit"}


async def test_a_group_that_cannot_be_set_up_leaves_nothing() -> None:
    files = Unified(7)
    limits = unified(files)
    first = limits.group(memory_bytes=None, pids=9)
    assert first
    first.release()
    before = descriptors()
    write = files.write

    def refusing(path: str, text: str) -> None:
        if path.endswith("pids.max"):
            raise OSError(errno.EINVAL, "Invalid argument", path)
        write(path, text)

    files.write = refusing  # type: ignore[method-assign]
    with pytest.raises(InternalFault, match="Invalid argument"):
        limits.group(memory_bytes=None, pids=9)
    assert not [path for path in files.groups if path.endswith("/2")]
    assert descriptors() == before


# ── with the true kernel ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def limited(tmp_path: Path) -> Any:
    limits = Limits(places)
    room = Room(str(tmp_path), kill_grace_ms=200, limits=limits)
    yield room
    await room.registry.close()
    await limits.close()
    assert not groups_of(limits)


def groups_of(limits: Limits) -> list[Path]:
    return [path for place in places().values() for path in Path(place.directory).glob(f"execd-{limits._name}*")]


HOG = [sys.executable, "-I", "-S", "-c", "data = bytearray(120 << 20); print(len(data))"]


@kernel
async def test_a_program_over_its_memory_is_out_of_memory(limited: Room) -> None:
    end = await limited.start(HOG, memory_limit_bytes=64 * MIB).end()
    assert (end["cause"], end["code"], end["signal"]) == ("out_of_memory", "OUT_OF_MEMORY", "SIGKILL")
    assert "exit_code" not in end


@kernel
async def test_a_program_within_its_memory_is_none_the_worse(limited: Room) -> None:
    assert (await limited.start(HOG, memory_limit_bytes=300 * MIB).end())["exit_code"] == 0


@kernel
async def test_memory_is_that_of_everyone_together(limited: Room) -> None:
    hog = f"{sys.executable} -I -S -c 'import os; data = bytearray(40 << 20); os.read(0, 1)' <&0"
    watched = await limited.run(
        f"for i in 1 2 3 4; do {hog} & done; wait -n",
        memory_limit_bytes=96 * MIB,
        stdin="pipe",
        timeout=10_000,
    )
    assert watched.events[-1].get("exit_code") == 137, watched.events


@kernel
async def test_a_kill_in_one_run_s_group_is_no_memory_kill_of_another_run(limited: Room) -> None:
    other = limited.start("read line; kill -KILL $$", stdin="pipe", memory_limit_bytes=64 * MIB)
    await limited.start(HOG, memory_limit_bytes=64 * MIB).end()
    assert other.run.control
    await other.run.control.write_stdin(b"\n")
    assert (await other.end())["cause"] == "signaled"


@kernel
async def test_files_that_are_read_and_written_are_no_memory_that_counts(limited: Room) -> None:
    text = await limited.text("head -c 40000000 /dev/zero >big && cat big | wc -c", memory_limit_bytes=16 * MIB)
    assert int(text) == 40_000_000


@kernel
async def test_a_start_beyond_the_limit_of_processes_fails_inside_the_command(limited: Room) -> None:
    code = (
        "import os\nn = 0\ntry:\n  while n < 99:\n    if not os.fork(): os.read(0, 1); os._exit(0)\n    n += 1\n"
        "except BlockingIOError: print(n)"
    )
    watched = limited.start([sys.executable, "-I", "-S", "-c", code], pids_limit=10, stdin="pipe")
    assert await watched.number() == 9


@kernel
async def test_the_limits_hold_for_another_user_and_before_its_first_instruction(limited: Room) -> None:
    for who in ({}, {"user": "nobody"}, {"uid": 12345, "gid": 23456}):
        shown = await limited.text(
            "cat /proc/self/cgroup; id -u", cwd="/", pids_limit=20, memory_limit_bytes=64 * MIB, **who
        )
        lines = [line for line in shown.splitlines() if ":memory:" in line or ":pids:" in line]
        assert all("/execd-" in line for line in lines)
        assert shown.splitlines()[-1] == {"user": "65534", "uid": "12345"}.get(next(iter(who), ""), str(os.geteuid()))


@kernel
async def test_another_user_in_a_group_has_exactly_its_groups(limited: Room) -> None:
    assert await limited.text("id -G", cwd="/", pids_limit=9, uid=12345, gid=23456) == "23456\n"
    assert await limited.text("echo $HOME $USER", cwd="/", pids_limit=9, user="nobody") == "/nonexistent nobody\n"


@kernel
async def test_a_program_that_cannot_be_started_in_a_group_tells_why(limited: Room) -> None:
    end = await limited.start(["no such program"], pids_limit=9).end()
    assert (end["cause"], end["details"]) == ("never_started", {"errno": errno.ENOENT})


BOMB = "f() { f | f & f | f & }; f; wait"


@kernel
async def test_a_fork_bomb_is_stopped_with_all_of_it(limited: Room) -> None:
    watched = limited.start(BOMB, pids_limit=40, memory_limit_bytes=256 * MIB)
    group = limited.limit_group()
    await until(lambda: len(group.members()) >= 35)
    end = await _ended(limited, watched)
    assert end["cause"] == "interrupted"
    assert group.members() == set()


ESCAPING_BOMB = """
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
if len(sys.argv) == 1:
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-I", "-S", __file__, "unmarked"], {})
    os.read(0, 1)
while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except OSError:
        pass
"""


@kernel
async def test_a_bomb_of_sessions_without_a_mark_is_stopped_with_all_of_it(limited: Room, tmp_path: Path) -> None:
    # Nothing else could tell whose they are: no group, no session, no environment, and soon no parents.
    bomb = tmp_path / "bomb.py"
    bomb.write_text(ESCAPING_BOMB)
    watched = limited.start([sys.executable, "-I", "-S", str(bomb)], stdin="pipe", pids_limit=30)
    group = limited.limit_group()
    await until(lambda: len(group.members()) >= 25)
    await _ended(limited, watched)
    assert group.members() == set()


async def _ended(room: Room, watched: Any) -> dict[str, Any]:
    async with asyncio.timeout(15):
        await room.commands.interrupt(watched.run.id)
    end: dict[str, Any] = await watched.end()
    return end


@kernel
async def test_a_bomb_whose_leader_has_gone_can_still_be_interrupted(limited: Room) -> None:
    watched = limited.start(":(){ :|:& };:", pids_limit=30)
    group = limited.limit_group()
    assert (await watched.end())["cause"] == "exited"
    assert group.members()
    await limited.commands.interrupt(watched.run.id)
    assert group.members() == set()
    assert not any(map(os.path.exists, group.directories))
    with pytest.raises(AlreadyFinished):
        await limited.commands.interrupt(watched.run.id)


@kernel
async def test_what_a_forgotten_run_has_left_in_its_group_can_be_interrupted(limited: Room) -> None:
    watched = limited.start("sleep 600 & echo $!; exit 0", pids_limit=9)
    survivor = await watched.number()
    await watched.end()
    await limited.registry.delete(watched.run)
    await limited.commands.interrupt(watched.run.id)
    assert look(survivor) is None or not alive(survivor)
    with pytest.raises(CommandNotFound):
        await limited.commands.interrupt(watched.run.id)


@kernel
async def test_a_survivor_stays_limited_and_serves_on(limited: Room) -> None:
    watched = limited.start("sleep 600 & echo $!; exit 0", pids_limit=9)
    survivor = await watched.number()
    group = limited.limit_group()
    await watched.end()
    assert alive(survivor)
    assert group.members() == {survivor}
    await limited.commands.interrupt(watched.run.id)
    assert look(survivor) is None or not alive(survivor)


@kernel
async def test_a_run_that_is_refused_leaves_no_group(tmp_path: Path) -> None:
    limits = Limits(places)
    room = Room(str(tmp_path), limits=limits, retention=Retention(max_live=0))
    with pytest.raises(LimitReached):
        room.start("true", pids_limit=9)
    assert not [path for path in groups_of(limits) for path in path.glob("[0-9]*") if path.is_dir()]
    await limits.close()


@kernel
async def test_groups_descriptors_and_starts_do_not_add_up(limited: Room) -> None:
    await limited.start("true", pids_limit=9, memory_limit_bytes=64 * MIB).end()
    before = descriptors()
    for _ in range(8):
        await limited.start("true", pids_limit=9, memory_limit_bytes=64 * MIB).end()
    assert descriptors() == before
    assert limited.limits
    assert not [path for path in groups_of(limited.limits) for path in path.glob("[0-9]*") if path.is_dir()]


@kernel
async def test_a_run_without_limits_is_in_no_group_of_ours(limited: Room) -> None:
    assert "/execd-" not in await limited.text("cat /proc/self/cgroup")
