"""Write the structs of the wire from `spec/openapi.yaml`: strict ones for the daemon, lenient ones for the SDK.

The generator is pinned exactly. What it does not do by itself is done to the document before it reads it (`prepare`),
never to the text afterwards: absent fields read as `None`, patterns become Python's, what structs cannot say goes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
SPEC: Final = "spec/openapi.yaml"
GENERATOR: Final = ("datamodel-code-generator", "0.89.0")

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One generated file: where it stands, whether it takes what it does not know, and the tags that it is for.

    Without tags it has all schemas, otherwise those that requests and successful answers of these tags are made of.
    """

    path: str
    lenient: bool
    tags: frozenset[str] = frozenset()


TARGETS: Final = (
    Target(path="packages/execd/src/execd/_wire.py", lenient=False),
    Target(path="packages/sdk/src/opensandbox/_wire.py", lenient=True),
    Target(path="packages/code-interpreter/src/code_interpreter/_wire.py", lenient=True, tags=frozenset({"code"})),
)
# Absent fields are not written, in both. The generator overlooks `additionalProperties: false` for structs, hence this.
STRICT: Final = {"frozen": True, "omit_defaults": True, "forbid_unknown_fields": True}
LENIENT: Final = {"frozen": True, "omit_defaults": True}

FLAGS: Final = (
    "--input-file-type=openapi",
    "--output-model-type=msgspec.Struct",
    "--target-python-version=3.11",
    "--keyword-only",
    # Variants of `Event` are told apart by msgspec itself.
    "--use-msgspec-tagged-unions",
    # Without these two a map or an enum that may be null becomes something that msgspec cannot check or decode.
    "--use-typed-nullable-map-values",
    "--use-msgspec-nullable-enum-alias",
    "--use-single-dict-for-object-maps",
    # With this, `nullable` alone decides, and gives `T | None = None` instead of `T | UnsetType = UNSET`.
    "--strict-nullable",
    "--use-specialized-enum",
    "--capitalise-enum-members",
    "--use-schema-description",
    "--use-single-line-docstring",
    "--use-double-quotes",
    "--formatters=builtin",
    "--disable-timestamp",
)
# A closed enum would make an old SDK refuse a new cause or code.
LENIENT_FLAGS: Final = ("--ignore-enum-constraints",)

_REFERENCES: Final = ("$ref", "x-event-schema")
_SAID_BY_STRUCTS: Final = (
    *("$ref", "type", "enum", "const", "anyOf", "discriminator"),
    *("pattern", "minimum", "maximum", "minItems", "items", "additionalProperties", "propertyNames"),
)


def header(target: Target) -> str:
    """Return the docstring of the generated module."""
    manner = "Lenient: what is unknown is let through" if target.lenient else "Strict: what is unknown is refused"
    return f'"""Generated from spec/openapi.yaml by tools/generate_wire.py; do not edit. {manner}."""'


def prepare(spec: Schema, *, lenient: bool, tags: frozenset[str] = frozenset()) -> Schema:
    """Return the document that the generator is given: the schemas of `spec`, without what structs cannot say."""
    wanted = reached(spec, tags) if tags else spec["components"]["schemas"].keys()
    schemas = {
        name: _schema(schema, lenient=lenient)
        for name, schema in spec["components"]["schemas"].items()
        if name in wanted
    }
    return {"openapi": "3.1.0", "info": spec["info"], "paths": {}, "components": {"schemas": schemas}}


def reached(spec: Schema, tags: frozenset[str]) -> set[str]:
    """Return the names of the schemas that requests and successful answers of operations with these tags lead to."""
    found: set[str] = set()
    for operation in _operations(spec):
        if tags.intersection(operation.get("tags", ())):
            answers = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
            _follow(spec, [operation.get("requestBody"), answers], found)
    return found


def _operations(spec: Schema) -> Iterator[Schema]:
    for item in spec["paths"].values():
        yield from (operation for operation in item.values() if isinstance(operation, dict))


def _follow(spec: Schema, node: Any, found: set[str]) -> None:
    """Add every schema that a part of the document refers to, and what those refer to."""
    if isinstance(node, list):
        for each in node:
            _follow(spec, each, found)
    elif isinstance(node, dict):
        for keyword, value in node.items():
            if keyword in _REFERENCES and isinstance(value, str):
                _go(spec, value, found)
            else:
                _follow(spec, value, found)


def _go(spec: Schema, reference: str, found: set[str]) -> None:
    _, kind, name = reference.rsplit("/", 2)
    if kind == "schemas" and name in found:
        return
    if kind == "schemas":
        found.add(name)
    _follow(spec, spec["components"][kind][name], found)


def _schema(schema: Schema, *, lenient: bool) -> Schema:
    if "discriminator" in schema:
        return {"oneOf": schema["oneOf"], "discriminator": schema["discriminator"]}
    if "properties" not in schema:
        return _said(schema)
    required = [name for name in schema.get("required", ()) if not (lenient and _only_ours(schema["properties"][name]))]
    properties = {
        name: _said(value) if name in required else _optional(_said(value))
        for name, value in _with_open_constants(schema["properties"]).items()
    }
    return {
        "type": "object",
        "description": _first(schema["description"]),
        "required": required,
        "properties": properties,
    }


def _only_ours(schema: Schema) -> bool:
    return bool(schema.get("x-absent-elsewhere"))


def _first(description: str) -> str:
    return " ".join(description.split("\n\n", maxsplit=1)[0].split())


def _with_open_constants(properties: dict[str, Schema]) -> dict[str, Schema]:
    # Only `type` tells variants apart; any other constant would become a Literal, which a lenient reader must not have.
    return {
        name: {"type": "string"} if "const" in schema and name != "type" else schema
        for name, schema in properties.items()
    }


def _said(schema: Schema) -> Schema:
    """Return what a struct can say of a schema, with its patterns as Python reads them."""
    said = {keyword: value for keyword, value in schema.items() if keyword in _SAID_BY_STRUCTS}
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if isinstance(said.get(keyword), dict):
            said[keyword] = _said(said[keyword])
    if "pattern" in said:
        said["pattern"] = python_pattern(said["pattern"])
    return said


def python_pattern(pattern: str) -> str:
    r"""Return an anchored ECMA pattern for Python, where `$` would let a line feed at the end through.

    >>> python_pattern("^[a-z]+$")
    '\\A[a-z]+\\Z'
    """
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise ValueError(f"pattern {pattern!r}: begin it with ^ and end it with $")
    return rf"\A{pattern[1:-1]}\Z"


def _optional(schema: Schema) -> Schema:
    # `nullable` is how the generator is told to write `T | None = None`.
    options = [option for option in schema.pop("anyOf", []) if option != {"type": "null"}]
    if options:
        schema["allOf"] = options
    if "$ref" in schema:
        schema["allOf"] = [{"$ref": schema.pop("$ref")}]  # nothing stands beside a reference
    if isinstance(schema.get("type"), list):
        (schema["type"],) = (name for name in schema["type"] if name != "null")
    return {**schema, "nullable": True}


def _struct_flags(target: Target) -> tuple[str, str]:
    options = LENIENT if target.lenient else STRICT
    return "--extra-template-data", json.dumps({"#all#": {"base_class_kwargs": options}})


def render(spec: Schema, target: Target) -> str:
    """Return the text of one generated file."""
    name, version = GENERATOR
    if metadata.version(name) != version:
        raise SystemExit(f"generate_wire: needs {name} {version}, here is {metadata.version(name)}")
    flags = (*FLAGS, *(LENIENT_FLAGS if target.lenient else ()), *_struct_flags(target))
    # In an empty directory, so that no settings file is found on the way up.
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [sys.executable, "-m", "datamodel_code_generator", *flags, f"--custom-file-header={header(target)}"],
            input=json.dumps(prepare(spec, lenient=target.lenient, tags=target.tags)),
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    if done.returncode or done.stderr:
        raise SystemExit(f"generate_wire: the generator complains about {SPEC}:\n{done.stderr}")
    return done.stdout


def load_spec(root: Path = ROOT) -> Schema:
    """Return the document as plain values."""
    loaded: Schema = yaml.safe_load((root / SPEC).read_text())
    return loaded


def rendered(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield every generated file and the text that it should have."""
    spec = load_spec(root)
    for target in TARGETS:
        yield root / target.path, render(spec, target)


def main() -> int:
    """Write the files."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for path, text in rendered():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
