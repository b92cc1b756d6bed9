"""The spec is OpenAPI 3.1, keeps its own rules (spec/README.md), and says what the daemon's tree of errors says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from execd import errors
from tools import generate_wire

SPEC = generate_wire.load_spec()
COMPONENTS = SPEC["components"]
SCHEMAS = COMPONENTS["schemas"]
OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    (path, operation)
    for path, item in SPEC["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]
IDS = [operation["operationId"] for _, operation in OPERATIONS]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = SPEC
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("examples", "example"):
                yield from nodes(value)
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)


def codes(response: dict[str, Any]) -> set[str]:
    schema = response["content"]["application/json"]["schema"]
    return set(schema["allOf"][1]["properties"]["code"]["enum"])


def test_it_is_openapi_3_1() -> None:
    validator = pytest.importorskip("openapi_spec_validator").OpenAPIV31SpecValidator(SPEC)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors()] == []


@pytest.mark.parametrize(("name", "example"), [(n, e) for n, s in SCHEMAS.items() for e in s.get("examples", ())])
def test_every_example_is_what_its_schema_says(name: str, example: Any) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    assert [error.message for error in validator(schema).iter_errors(example)] == []


@pytest.mark.parametrize(
    "request_body",
    [
        {"command": "a", "argv": ["a"]},
        {},
        {"command": None},
        {"command": "a", "gid": 1},
        {"command": "a", "gid": 1, "uid": None},
        {"command": "a", "user": "b", "uid": 1},
        {"command": "a", "timeout": -1},
        {"command": " "},
        {"argv": []},
        {"command": "a", "nope": 1},
    ],
)
def test_the_document_refuses_what_the_daemon_refuses(request_body: dict[str, Any]) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    schema = {"$ref": "#/components/schemas/RunCommandRequest", "components": COMPONENTS}
    assert not validator(schema).is_valid(request_body)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.endswith("Request")])
def test_requests_are_closed_and_their_optional_fields_take_null(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["additionalProperties"] is False
    optional = {
        field: value for field, value in schema["properties"].items() if field not in schema.get("required", ())
    }
    assert [field for field, value in optional.items() if not _takes_null(value)] == []


def _takes_null(schema: dict[str, Any]) -> bool:
    return "null" in schema.get("type", ()) or {"type": "null"} in schema.get("anyOf", ())


UNIONS = {name: schema for name, schema in SCHEMAS.items() if "discriminator" in schema}


@pytest.mark.parametrize("union", UNIONS.values(), ids=UNIONS)
def test_every_event_is_told_apart_by_its_type(union: dict[str, Any]) -> None:
    mapping = union["discriminator"]["mapping"]
    assert sorted(option["$ref"] for option in union["oneOf"]) == sorted(mapping.values())
    assert {kind: resolved({"$ref": ref})["properties"]["type"] for kind, ref in mapping.items()} == {
        kind: {"const": kind} for kind in mapping
    }


def test_every_event_is_of_some_stream() -> None:
    told = {ref.rsplit("/", 1)[-1] for union in UNIONS.values() for ref in union["discriminator"]["mapping"].values()}
    assert {name for name in SCHEMAS if name.endswith("Event") and name not in UNIONS} == told


def test_patterns_match_whole_strings() -> None:
    patterns = [node["pattern"] for node in nodes(SPEC) if isinstance(node.get("pattern"), str)]
    assert patterns
    assert all(re.search(generate_wire.python_pattern(pattern), "\0\n") is None for pattern in patterns)


def test_required_fields_exist() -> None:
    missing = {
        name: set(schema.get("required", ())) - set(schema.get("properties", ())) for name, schema in SCHEMAS.items()
    }
    assert {name: fields for name, fields in missing.items() if fields} == {}


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=IDS)
def test_every_answer_carries_the_request_id_and_every_error_its_body(path: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        answer = resolved(response)
        assert "X-Request-ID" in answer["headers"], status
        if status >= "400":
            assert codes(answer) <= set(SCHEMAS["ErrorCode"]["enum"]), status


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=IDS)
def test_every_route_is_behind_the_token_but_health(path: str, operation: dict[str, Any]) -> None:
    is_open = operation.get("security") == []
    assert is_open == (path in ("/ping", "/ready"))
    assert is_open != ("401" in operation["responses"])


def test_streams_name_the_schema_of_their_events() -> None:
    streams = [node["text/event-stream"] for node in nodes(SPEC) if "text/event-stream" in node]
    named = [stream["x-event-schema"].rsplit("/", 1)[-1] for stream in streams]
    assert sorted(named) == sorted(UNIONS)


def daemon_errors() -> dict[str, int]:
    tree = [errors.ExecdError]
    for kind in tree:
        tree.extend(kind.__subclasses__())
    return {kind.code: kind.status for kind in tree}


def test_the_closed_set_of_error_codes_is_the_daemons_tree_of_errors() -> None:
    assert sorted(SCHEMAS["ErrorCode"]["enum"]) == sorted(daemon_errors())


def test_every_code_stands_under_its_status_and_is_reached_by_a_route() -> None:
    statuses = daemon_errors()
    said = {
        (code, int(status))
        for _, operation in OPERATIONS
        for status, response in operation["responses"].items()
        if status >= "400"
        for code in codes(resolved(response))
    }
    assert [(code, status) for code, status in said if statuses[code] != status] == []
    anywhere = {"ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"}
    assert {code for code, _ in said} == set(statuses) - anywhere
