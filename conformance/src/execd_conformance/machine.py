"""The report for machines: JUnit's XML, which build servers show, and JSON, which holds all that is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET

from execd_conformance import __version__
from execd_conformance.outcome import Outcome
from execd_conformance.requirements import Requirement
from execd_conformance.result import COUNTED, Result, score

_ELEMENT: Final = {"failed": "failure", "error": "error", "skipped": "skipped", "expected": "skipped"}
"""JUnit knows no expected failure: it is shown as skipped, with its reason."""


def junit(result: Result, texts: Mapping[str, Requirement]) -> str:
    """Return the checks as JUnit's XML, a suite for each area; what is left out is not in it."""
    root = ET.Element("testsuites", name="execd-conformance", time=f"{result.seconds:.3f}")
    for area in [*result.areas(), ""]:
        outcomes = [each for each in result.outcomes if each.area == area and each.status != "left out"]
        if not outcomes:
            continue
        counts = result.counts(area)
        suite = ET.SubElement(root, "testsuite", name=area or "suite", tests=str(len(outcomes)))
        suite.set("failures", str(counts["failed"]))
        suite.set("errors", str(counts["error"]))
        suite.set("skipped", str(counts["skipped"] + counts["expected"]))
        for each in outcomes:
            _case(suite, each, texts)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, outcome: Outcome, texts: Mapping[str, Requirement]) -> None:
    name, _, requirement = outcome.full_name.rpartition("/")
    case = ET.SubElement(suite, "testcase", classname=f"{outcome.area or 'suite'}.{name}", name=requirement or name)
    if (element := _ELEMENT.get(outcome.status)) is not None:
        told = ET.SubElement(case, element, message=outcome.saw)
        told.text = texts[outcome.requirement].text if outcome.requirement in texts else None


def as_json(result: Result, texts: Mapping[str, Requirement]) -> str:
    """Return all that is known, as JSON."""
    document = {
        "suite": __version__,
        "target": result.session.choice.target,
        "url": result.session.url,
        "profile": result.session.profile,
        "only": list(result.session.only),
        "daemon": result.session.version,
        "lacks": result.lacking,
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "status": result.status,
        "totals": _totals(result, None),
        "areas": {area: _totals(result, area) for area in result.areas()},
        "checks": [_check(each, texts) for each in result.outcomes],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _totals(result: Result, area: str | None) -> dict[str, int | str]:
    counts = result.counts(area)
    return {**{status: counts[status] for status in (*COUNTED, "left out")}, "score": score(counts)}


def _check(outcome: Outcome, texts: Mapping[str, Requirement]) -> dict[str, object]:
    requirement = texts.get(outcome.requirement)
    text = None if requirement is None else requirement.text
    return {"name": outcome.name, **outcome.as_dict(), "text": text}
