"""A target of containers: what it says where there is no engine and no image, and what it asks an engine for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound

import docker
from execd_conformance.targets import Unreachable
from execd_conformance.targets import docker as room


def refusal(status: int, explanation: str, kind: type[APIError] = APIError) -> APIError:
    response = requests.Response()
    response.status_code = status
    return kind(explanation, response=response, explanation=explanation)


class FakeEngine:
    """Takes note of what is asked for, and refuses to start what it is told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.removed = 0
        self.refusals: list[APIError] = []
        self.containers = self

    def create(self, **wanted: Any) -> Any:
        if wanted["image"] == "missing":
            raise refusal(404, "No such image: missing", ImageNotFound)
        self.asked.append(wanted)
        return SimpleNamespace(start=self.start, remove=self.remove, id="c1")

    def start(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    def remove(self, *, force: bool, v: bool) -> None:
        assert (force, v) == (True, True)
        self.removed += 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(room, "_engine", lambda: SimpleNamespace(client=fake, labels={"mine": "1"}))
    return fake


def test_a_container_has_limits_a_label_and_a_port_of_the_loopback(engine: FakeEngine) -> None:
    daemon = room.DockerTarget("execd:dev").run({"EXECD_HEARTBEAT_S": "1"}, token="secret")
    [asked] = engine.asked
    assert asked["environment"] == {"EXECD_HEARTBEAT_S": "1", "EXECD_ACCESS_TOKEN": "secret"}
    assert asked["labels"] == {"mine": "1"}
    assert asked.items() >= room.LIMITS.items()
    host, port = asked["ports"]["44772/tcp"]
    assert (host, daemon.place.url) == ("127.0.0.1", f"http://127.0.0.1:{port}")
    assert (daemon.place.token, dict(daemon.place.facts)) == ("secret", {"container": "c1"})


def test_a_scenarios_options_come_before_the_usual_ones(engine: FakeEngine) -> None:
    options = {"mem_limit": "64m", "environment": {"TZ": "UTC"}}
    room.DockerTarget("execd:dev").run({"EXECD_INSECURE": "1"}, token=None, options=options)
    assert engine.asked[0]["mem_limit"] == "64m"
    assert engine.asked[0]["environment"] == {"TZ": "UTC", "EXECD_INSECURE": "1"}


def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(engine: FakeEngine) -> None:
    engine.refusals = [refusal(500, "Bind for 127.0.0.1:20001 failed: port is already allocated")] * 2
    room.DockerTarget("execd:dev").run({}, token=None)
    assert (len(engine.asked), engine.removed) == (3, 2)


def test_a_container_that_cannot_be_started_says_why(engine: FakeEngine) -> None:
    engine.refusals = [refusal(400, "minimum memory limit allowed is 6MB")]
    with pytest.raises(Unreachable, match="could not start the container: minimum memory limit"):
        room.DockerTarget("execd:dev").run({}, token=None)
    assert engine.removed == 1


def test_a_missing_image_is_named(engine: FakeEngine) -> None:
    with pytest.raises(Unreachable, match="no image missing: build it or pull it"):
        room.DockerTarget("missing").start({}, token=None)


def test_without_an_engine_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> docker.DockerClient:
        raise docker.errors.DockerException("nobody listens")

    room._engine.cache_clear()
    monkeypatch.setattr("docker.from_env", none)
    with pytest.raises(Unreachable, match="no container engine answers: nobody listens"):
        room.DockerTarget("execd:dev").run({}, token=None)
