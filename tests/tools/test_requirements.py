"""`tools/requirements.py` fails for each thing it is there to find, and says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execd_conformance.catalogue import Scenario
from execd_conformance.checks import Declared
from execd_conformance.requirements import Requirement
from tools import requirements as gate


def requirement(id_: str = "a.b", **fields: Any) -> Requirement:
    known = {"text": "It does.", "section": "Streams"}
    return Requirement(id=id_, **{**known, **fields})


def scenario(name: str = "a_run", *proves: str, **fields: frozenset[str]) -> Scenario:
    declared = Declared(area="streams", proves=proves or ("a.b",), **fields)  # type: ignore[arg-type]
    return Scenario(name=name, module="test_streams", declared=declared)


def test_a_requirement_needs_a_proof_or_a_reason() -> None:
    (line,) = gate.unproved([requirement()], proved=set())
    assert line.startswith("a.b: nothing proves it")
    assert list(gate.unproved([requirement()], proved={"a.b"})) == []
    assert list(gate.unproved([requirement(tests=("f.py::t",))], proved=set())) == []
    assert list(gate.unproved([requirement(reason="Not built yet.")], proved=set())) == []


@pytest.mark.parametrize("proof", [{"tests": ("f.py::t",)}, {}])
def test_a_reason_beside_a_proof_is_stale(proof: dict[str, Any]) -> None:
    (line,) = gate.unproved([requirement(reason="Not built yet.", **proof)], proved=set() if proof else {"a.b"})
    assert line == "a.b: is proved, so take out its `reason:`"


@pytest.mark.parametrize("id_", ["a", "A.b", "a.b_c", "a..b", "a.b-", ".b", "a.b c"])
def test_an_id_is_written_as_the_others_are(id_: str) -> None:
    assert list(gate.misnamed([requirement(id_)])) == [f"{id_}: an id is area.slug, in lower case with dashes"]


def test_a_text_is_a_sentence() -> None:
    assert len(list(gate.misnamed([requirement(text="it does")]))) == 1
    assert list(gate.misnamed([requirement("sdk.a-b.c-1")])) == []


def test_a_scenario_names_what_there_is() -> None:
    known = [scenario("a_run", "a.b", "a.z"), scenario("b_run", features=frozenset({"replay", "magic"}))]
    assert list(gate.unknown(known, {"a.b"}, ["replay"])) == [
        "test_streams.py: a_run: there is no requirement a.z",
        "test_streams.py: b_run: there is no feature magic",
    ]


def test_a_scenario_for_deployed_clients_knows_no_features() -> None:
    old = scenario(features=frozenset({"replay"}), profiles=frozenset({"full", "compat"}))
    (line,) = gate.unknown([old], {"a.b"}, ["replay"])
    assert line.endswith("is for deployed clients, who know no features")


def test_scenarios_have_names_of_their_own() -> None:
    (line,) = gate.unknown([scenario(), scenario()], {"a.b"}, [])
    assert line.startswith("a_run: 2 scenarios have this name")


def test_a_named_test_is_there(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("class TestA:\n    async def test_in(self): ...\ndef test_out(): ...\n")
    named = ("test_a.py::test_out", "test_a.py::test_in", "test_a.py::test_gone", "test_b.py::test_out", "test_a.py")
    assert list(gate.missing_tests([requirement(tests=named)], tmp_path)) == [
        "a.b: there is no test test_a.py::test_gone",
        "a.b: there is no test test_b.py::test_out",
        "a.b: there is no test test_a.py",
    ]


def test_every_error_code_has_a_requirement() -> None:
    (line,) = gate.unnamed_codes(["NO_SPACE", "BAD_GATEWAY"], {"error.no-space"})
    assert line == "BAD_GATEWAY: is an error code of the spec; write the requirement error.bad-gateway"


def test_routes_are_compared_in_both_directions() -> None:
    found = gate.unmatched_routes([requirement(routes=("GET /a", "GET /z"))], {"GET /a", "GET /b"})
    assert list(found) == [
        "GET /b: no requirement has it among its `routes:`",
        "a.b: GET /z is no route of spec/openapi.yaml",
    ]


def test_a_malformed_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "spec/requirements").mkdir(parents=True)
    (tmp_path / "spec/requirements/a.yaml").write_text("{")
    (line,) = gate.problems(tmp_path)
    assert line.startswith("a.yaml: ")


def test_the_command_holds_this_tree() -> None:
    done = subprocess.run([sys.executable, gate.__file__], capture_output=True, text=True, timeout=55, check=False)
    assert (done.stdout, done.returncode) == ("every requirement has a check, a test or a reason\n", 0)
