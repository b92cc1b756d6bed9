"""Generated structs: the same text every time, from nothing but the spec."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tools import generate_wire
from tools.generate_wire import LENIENT, STRICT, TARGETS, prepare, python_pattern, reached, render

ROOT = Path(generate_wire.__file__).resolve().parent.parent
SPEC = generate_wire.load_spec()
SMALL: dict[str, Any] = {
    "info": {"title": "t", "version": "1"},
    "paths": {},
    "components": {
        "schemas": {
            "Colour": {"type": "string", "enum": ["red", "green"]},
            "Thing": {
                "type": "object",
                "description": "One thing.\n\nAnd more.",
                "additionalProperties": False,
                "required": ["name", "ours"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z]+$"},
                    "ours": {"$ref": "#/components/schemas/Colour", "x-absent-elsewhere": True},
                    "default": {"type": ["integer", "null"], "default": 5},
                    "format": {"anyOf": [{"$ref": "#/components/schemas/Colour"}, {"type": "null"}]},
                    "map": {"type": ["object", "null"], "additionalProperties": {"type": "string", "pattern": "^b$"}},
                },
            },
        }
    },
}


def loaded(text: str) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "planted"}
    exec(text, module)
    return module


@pytest.mark.parametrize("target", TARGETS)
def test_it_names_no_version_no_place_and_no_time(target: generate_wire.Target) -> None:
    text = render(SPEC, target)
    assert str(ROOT) not in text
    assert "/tmp" not in text
    assert generate_wire.GENERATOR[1] not in text
    assert re.search(r"\d{4}-\d\d-\d\d", text) is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.slow
def test_the_same_spec_gives_the_same_text(target: generate_wire.Target) -> None:
    assert render(SPEC, target) == render(SPEC, target)


def test_another_generator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_wire, "GENERATOR", ("datamodel-code-generator", "0.0.1"))
    with pytest.raises(SystemExit, match=r"needs datamodel-code-generator 0\.0\.1, here is"):
        render(SMALL, TARGETS[0])


def test_what_the_generator_complains_about_stops_the_writing() -> None:
    thing = {"type": "object", "description": "x", "properties": {"a": {"$ref": "#/components/schemas/Nothing"}}}
    broken = {"info": SMALL["info"], "components": {"schemas": {"Thing": thing}}}
    with pytest.raises(SystemExit, match=r"the generator complains about spec/openapi\.yaml"):
        render(broken, TARGETS[0])


def test_absent_fields_are_none_and_are_not_written() -> None:
    module = loaded(render(SMALL, TARGETS[0]))
    assert module["Thing"](name="a", ours="red").default is None
    assert "UNSET" not in render(SMALL, TARGETS[0])


def test_the_strict_file_has_enums_and_refuses_the_lenient_one_does_neither() -> None:
    strict, lenient = (loaded(render(SMALL, target)) for target in TARGETS[:2])
    assert [colour.value for colour in strict["Colour"]] == ["red", "green"]
    assert lenient["Colour"] is str
    assert strict["Thing"].__struct_config__.forbid_unknown_fields
    assert not lenient["Thing"].__struct_config__.forbid_unknown_fields
    assert STRICT.items() - LENIENT.items() == {("forbid_unknown_fields", True)}


def test_what_other_daemons_lack_is_optional_in_the_lenient_file_only() -> None:
    required = [
        prepare(SMALL, lenient=lenient)["components"]["schemas"]["Thing"]["required"] for lenient in (False, True)
    ]
    assert required == [["name", "ours"], ["name"]]


def test_a_field_may_be_called_like_a_keyword_of_json_schema() -> None:
    properties = prepare(SMALL, lenient=False)["components"]["schemas"]["Thing"]["properties"]
    assert list(properties) == ["name", "ours", "default", "format", "map"]


def test_the_first_paragraph_of_a_description_becomes_the_docstring() -> None:
    assert loaded(render(SMALL, TARGETS[1]))["Thing"].__doc__ == "One thing."


TAGGED: dict[str, Any] = {
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a": {
            "parameters": [],
            "post": {
                "tags": ["one"],
                "requestBody": {"content": {"x": {"schema": {"$ref": "#/components/schemas/Asked"}}}},
                "responses": {
                    "200": {"$ref": "#/components/responses/Stream"},
                    "400": {"content": {"x": {"schema": {"$ref": "#/components/schemas/Refused"}}}},
                },
            },
            "get": {
                "tags": ["two"],
                "responses": {"200": {"content": {"x": {"schema": {"$ref": "#/components/schemas/Other"}}}}},
            },
        }
    },
    "components": {
        "responses": {"Stream": {"content": {"x": {"x-event-schema": "#/components/schemas/Event"}}}},
        "schemas": {
            "Asked": {"properties": {"a": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Deep"}}}},
            "Deep": {"properties": {"again": {"$ref": "#/components/schemas/Deep"}}},
            "Event": {"properties": {"$ref": {"type": "string"}}},
            "Refused": {"properties": {}},
            "Other": {"properties": {}},
        },
    },
}


def test_a_tag_leads_to_what_its_requests_and_successful_answers_are_made_of() -> None:
    assert reached(TAGGED, frozenset({"one"})) == {"Asked", "Deep", "Event"}
    assert reached(TAGGED, frozenset({"two"})) == {"Other"}
    assert reached(TAGGED, frozenset({"one", "two"})) == {"Asked", "Deep", "Event", "Other"}


@pytest.mark.slow
def test_the_file_of_a_tag_says_what_the_whole_one_says_and_no_more() -> None:
    _, whole, code = (set(render(SPEC, target).split("\n\n\n")[1:]) for target in TARGETS)
    assert code < whole
    assert not any("RunCommandRequest" in block for block in code)


def test_patterns_are_turned_everywhere() -> None:
    properties = prepare(SMALL, lenient=False)["components"]["schemas"]["Thing"]["properties"]
    assert properties["name"]["pattern"] == r"\A[a-z]+\Z"
    assert properties["map"]["additionalProperties"]["pattern"] == r"\Ab\Z"


@pytest.mark.parametrize("pattern", ["[a-z]", "^[a-z]", "[a-z]$"])
def test_a_pattern_that_is_not_anchored_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="begin it with"):
        python_pattern(pattern)
