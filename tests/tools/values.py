"""Values that a schema of the spec allows, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

unhurried = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine breaks no law."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
"""JSON cannot carry a lone surrogate."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def values(schema: dict[str, Any], schemas: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values for a schema, as far as the spec's schemas go."""
    if "$ref" in schema:
        return values(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of(*(values(option, schemas) for option in schema["anyOf"]))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of(*(_of_kind(kind, schema, schemas) for kind in kinds))


def _of_kind(kind: str, schema: dict[str, Any], schemas: dict[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            numbers = st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1))
            return numbers if kind == "integer" else numbers.map(float)
        case "string":
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else TEXT
        case "array":
            return st.lists(values(schema["items"], schemas), min_size=schema.get("minItems", 0), max_size=4)
    return _object(schema, schemas)


def _object(schema: dict[str, Any], schemas: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        inner = schema["additionalProperties"]
        names = values(schema.get("propertyNames", {"type": "string"}), schemas)
        return st.dictionaries(names, JSON if inner is True else values(inner, schemas), max_size=3)
    fields = {name: values(field, schemas) for name, field in schema["properties"].items()}
    required = schema.get("required", [])
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )
