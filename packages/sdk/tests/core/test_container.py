"""What the engine is asked for, and what is refused before it is asked."""

from __future__ import annotations

import os
from typing import Any

import pytest

from opensandbox._core.container import Blueprint, blueprint, creation, last_lines


def wanted(**options: Any) -> Blueprint:
    return blueprint("execd:dev", **{"lease": 60, **options})


def made(**options: Any) -> dict[str, Any]:
    return creation(wanted(**options), name="execd-1", port=20001, token="secret")


def test_without_options_it_is_a_container_that_the_engine_removes() -> None:
    assert made() == {
        "auto_remove": True,
        "environment": {"EXECD_ACCESS_TOKEN": "secret", "EXECD_LEASE_S": "60", "EXECD_PORT": "44772"},
        "image": "execd:dev",
        "labels": {"execd.sandbox": "1"},
        "name": "execd-1",
        "ports": {"44772/tcp": ("127.0.0.1", 20001)},
    }


@pytest.mark.parametrize(
    ("memory", "want"),
    [(1000, 1000), ("1000", 1000), ("512m", 512 << 20), ("2G", 2 << 30), (" 64kb ", 1 << 16), ("1MiB", 1 << 20)],
)  # fmt: skip
def test_memory_is_an_amount_without_swap_beside_it(memory: int | str, want: int) -> None:
    assert (made(memory=memory)["mem_limit"], made(memory=memory)["memswap_limit"]) == (want, want)


@pytest.mark.parametrize("memory", ["", "much", "1.5g", "-1", "m", "12q", 0, -5, float("nan"), float("inf")])
def test_what_is_no_amount_of_memory_is_refused(memory: Any) -> None:
    with pytest.raises(ValueError, match="memory"):
        wanted(memory=memory)


@pytest.mark.parametrize("name", ["cpus", "pids_limit", "lease"])
def test_numbers_are_more_than_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        wanted(**{name: 0})
    with pytest.raises(TypeError, match=name):
        wanted(**{name: True})


def test_limits_have_the_engines_units() -> None:
    assert made(cpus=0.5, pids_limit=64) | {"nano_cpus": 500_000_000, "pids_limit": 64} == made(cpus=0.5, pids_limit=64)


def test_a_lease_that_could_not_be_kept_is_longer() -> None:
    assert made(lease=0.01)["environment"]["EXECD_LEASE_S"] == "1.0"


def test_directories_are_absolute_and_volumes_keep_their_names() -> None:
    bound = made(volumes={"/data": "/in", "./src": ("/src", "ro"), "cache": "/cache"})["volumes"]
    assert bound == {
        "/data": {"bind": "/in", "mode": "rw"},
        f"{os.getcwd()}/src": {"bind": "/src", "mode": "ro"},
        "cache": {"bind": "/cache", "mode": "rw"},
    }


def test_a_place_inside_is_absolute() -> None:
    with pytest.raises(ValueError, match="volumes: 'in' is not an absolute path"):
        wanted(volumes={"/data": "in"})


def test_the_callers_variables_are_there_and_ours_win() -> None:
    environment = made(envs={"A": "b", "EXECD_HEARTBEAT_S": "1", "EXECD_PORT": "1"})["environment"]
    assert (environment["A"], environment["EXECD_HEARTBEAT_S"], environment["EXECD_PORT"]) == ("b", "1", "44772")


def test_the_callers_labels_are_beside_ours() -> None:
    assert made(labels={"team": "a"})["labels"] == {"team": "a", "execd.sandbox": "1"}


@pytest.mark.parametrize("network", ["none", "container:other"])
def test_a_network_where_nobody_could_reach_it_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match="can be reached"):
        wanted(network=network)


def test_on_the_hosts_network_it_listens_on_the_loopback_only() -> None:
    there = made(network="host")
    assert "ports" not in there
    assert (there["environment"]["EXECD_HOST"], there["environment"]["EXECD_PORT"]) == ("127.0.0.1", "20001")


@pytest.mark.parametrize("image", ["", "  ", None])
def test_an_image_has_a_name(image: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="image"):
        blueprint(image, lease=60)


def test_the_end_of_a_log_is_told() -> None:
    assert last_lines(b"".join(b"%d\n" % number for number in range(100)), count=2) == "98\n99"
    assert last_lines(b"\xff\n\n") == "\N{REPLACEMENT CHARACTER}"
