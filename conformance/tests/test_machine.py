"""What machines read."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from execd_conformance import machine
from execd_conformance.checks import shown
from execd_conformance.requirements import Requirement

from .making import outcome, result

TEXTS = {"x.x": Requirement(id="x.x", text="It does.", section="Streams")}
ALL = result(
    outcome("a/x.x", variant="sync"),
    outcome("b/x.x", "failed", saw="<7> & 8"),
    outcome("c/x.x", "expected", saw="known"),
    outcome("d/x.x", "skipped", saw="no replay", area="files"),
    outcome("e/x.x", "left out"),
    outcome("f/", "error", saw="odd", area=""),
)


def test_junit_has_a_suite_for_each_area_and_a_case_for_each_check() -> None:
    root = ET.fromstring(machine.junit(ALL, TEXTS))
    cases = [(case.get("classname"), case.get("name"), [each.tag for each in case]) for case in root.iter("testcase")]
    assert cases == [
        ("streams.a[sync]", "x.x", []),
        ("streams.b", "x.x", ["failure"]),
        ("streams.c", "x.x", ["skipped"]),
        ("files.d", "x.x", ["skipped"]),
        ("suite.f", "f", ["error"]),
    ]
    streams = root.find("testsuite")
    assert streams is not None
    assert streams.attrib == {"name": "streams", "tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    failure = root.find(".//failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("<7> & 8", "It does.")


@given(st.text() | st.binary())
def test_junit_holds_whatever_was_seen(saw: object) -> None:
    text = machine.junit(result(outcome("a/x.x", "failed", saw=shown(saw))), TEXTS)
    failure = ET.fromstring(text).find(".//failure")
    assert failure is not None
    assert failure.get("message") == shown(saw)


def test_json_holds_all_that_is_known() -> None:
    document = json.loads(machine.as_json(ALL, TEXTS))
    assert document["totals"] == {
        "passed": 1,
        "failed": 1,
        "expected": 1,
        "skipped": 1,
        "error": 1,
        "left out": 1,
        "score": "25 %",
    }
    assert document["areas"]["files"]["skipped"] == 1
    assert (document["status"], document["lacks"], document["target"]) == (1, ["output", "replay"], "http://h:1")
    assert document["checks"][1] == {
        "name": "b/x.x",
        "scenario": "b",
        "variant": "",
        "requirement": "x.x",
        "area": "streams",
        "status": "failed",
        "saw": "<7> & 8",
        "text": "It does.",
    }
