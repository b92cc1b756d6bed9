"""Control groups: the same container reads the same, whichever version and namespace it lives in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.metrics import cgroup
from execd.metrics.cgroup import Cpu, Memory, Pids, locate, set_size

from . import trees
from .trees import Tree

MIB = 1024 * 1024
LIMITED = {
    "CONTAINER_2": trees.CONTAINER_2,
    "CONTAINER_1": trees.CONTAINER_1,
    "PRIVATE_CONTAINER_1": trees.PRIVATE_CONTAINER_1,
    "MOVED_CONTAINER_1": trees.MOVED_CONTAINER_1,
    "SERVICE_1": trees.SERVICE_1,
}
UNLIMITED = {"UNLIMITED_CONTAINER_2": trees.UNLIMITED_CONTAINER_2, "UNLIMITED_CONTAINER_1": trees.UNLIMITED_CONTAINER_1}
HOSTS = {"HOST_2": trees.HOST_2, "HOST_1": trees.HOST_1, "no groups": trees.PROC}


@pytest.mark.parametrize("tree", LIMITED.values(), ids=LIMITED)
def test_a_limited_container_reads_the_same_everywhere(tree: Tree) -> None:
    groups = locate(tree.get)
    assert cgroup.memory(groups, tree.get) == Memory(limit=512 * MIB, used=192 * MIB, cache=80 * MIB, swap=MIB)
    assert cgroup.cpu(groups, tree.get) == Cpu(quota=1.5, used_ns=5_000_000_000, periods=42, throttled=40)
    assert cgroup.pids(groups, tree.get) == Pids(limit=128, used=12)
    assert cgroup.cpuset(groups, tree.get) == 5
    assert cgroup.kills(groups, tree.get) == 3


@pytest.mark.parametrize("tree", UNLIMITED.values(), ids=UNLIMITED)
def test_a_container_without_limits_still_counts_its_own_use(tree: Tree) -> None:
    groups = locate(tree.get)
    memory = cgroup.memory(groups, tree.get)
    assert memory is not None
    assert (memory.limit, memory.used) == (None, 192 * MIB)
    assert cgroup.cpu(groups, tree.get).quota is None
    assert cgroup.cpu(groups, tree.get).used_ns == 5_000_000_000
    assert cgroup.pids(groups, tree.get) == Pids(limit=None, used=12)


@pytest.mark.parametrize("tree", HOSTS.values(), ids=HOSTS)
def test_on_a_host_nothing_is_told_by_groups(tree: Tree) -> None:
    groups = locate(tree.get)
    assert groups == {}
    assert cgroup.memory(groups, tree.get) is None
    assert cgroup.cpu(groups, tree.get) == Cpu(quota=None, used_ns=None, periods=0, throttled=0)
    assert (cgroup.pids(groups, tree.get), cgroup.cpuset(groups, tree.get), cgroup.kills(groups, tree.get)) == (
        None,
    ) * 3


def test_the_tightest_limit_binds_and_what_counts_is_the_use_where_it_stands() -> None:
    tree = trees.SERVICE_2
    groups = locate(tree.get)
    memory = cgroup.memory(groups, tree.get)
    assert memory is not None
    assert (memory.limit, memory.used) == (1024 * MIB, 700_000_000 - 64 * MIB)
    assert cgroup.cpu(groups, tree.get).quota == 0.5
    assert cgroup.pids(groups, tree.get) == Pids(limit=50, used=12)


def test_a_limit_above_what_is_seen_binds_too() -> None:
    tree = trees.LIMITED_ABOVE_1
    memory = cgroup.memory(locate(tree.get), tree.get)
    assert memory is not None
    assert memory.limit == 512 * MIB


def test_controllers_may_share_a_hierarchy_beside_an_empty_version_2() -> None:
    tree = trees.JOINT_1
    groups = locate(tree.get)
    assert cgroup.cpu(groups, tree.get) == Cpu(quota=1.5, used_ns=5_000_000_000, periods=42, throttled=40)
    assert cgroup.memory(groups, tree.get) is not None
    assert cgroup.pids(groups, tree.get) is None


@given(st.data())
def test_any_file_may_be_missing_or_say_nonsense(data: st.DataObject) -> None:
    tree = dict(data.draw(st.sampled_from([*LIMITED.values(), trees.SERVICE_2, trees.JOINT_1])))
    for name in data.draw(st.lists(st.sampled_from(sorted(tree)), max_size=6)):
        nonsense = data.draw(
            st.one_of(st.none(), st.sampled_from(["", "\n", "max max", "-", "a b c", "1-", "9" * 40, "é"]))
        )
        tree.pop(name, None)
        if nonsense is not None:
            tree[name] = nonsense
    groups = locate(tree.get)
    for figure in (cgroup.memory, cgroup.cpu, cgroup.pids, cgroup.cpuset, cgroup.kills):
        figure(groups, tree.get)


@given(st.sets(st.integers(0, 200), min_size=1))
def test_a_list_of_processors_is_counted_however_it_is_written(processors: set[int]) -> None:
    singles = ",".join(str(each) for each in sorted(processors))
    assert set_size(singles + "\n") == len(processors)
    assert set_size(_ranges(sorted(processors))) == len(processors)


def _ranges(numbers: list[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
