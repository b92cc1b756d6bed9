"""Hold the requirements of spec/requirements against the checks, tests, codes and routes that they speak of.

Each line it prints names a requirement, a scenario, a code or a route, and says what to do.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
# As a script it sees this tree, whatever is installed.
sys.path[:0] = [str(ROOT), *(str(ROOT / f"packages/{name}/src") for name in ("sdk", "code-interpreter"))]
sys.path.insert(0, str(ROOT / "conformance/src"))

import yaml  # noqa: E402 - after the path is set, as what follows

from execd_conformance import catalogue, scenarios  # noqa: E402
from execd_conformance.catalogue import Scenario  # noqa: E402
from execd_conformance.requirements import Malformed, Requirement, read  # noqa: E402
from tools.check_generated import spec_routes  # noqa: E402

Spec = dict[str, Any]

_ID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


def unproved(requirements: Iterable[Requirement], proved: Collection[str]) -> Iterator[str]:
    """Yield a line for every requirement that nothing proves and no reason excuses, or both at once."""
    for each in requirements:
        has_proof = each.id in proved or bool(each.tests)
        if not has_proof and not each.reason:
            yield f"{each.id}: nothing proves it; write a check, name `tests:`, or give a `reason:`"
        if has_proof and each.reason:
            yield f"{each.id}: is proved, so take out its `reason:`"


def misnamed(requirements: Iterable[Requirement]) -> Iterator[str]:
    """Yield a line for every id and text that is not written as the others are."""
    for each in requirements:
        if not _ID.fullmatch(each.id):
            yield f"{each.id}: an id is area.slug, in lower case with dashes"
        if not each.text.endswith("."):
            yield f"{each.id}: its text is a sentence, and ends like one"


def unknown(known: Iterable[Scenario], ids: Collection[str], features: Collection[str]) -> Iterator[str]:
    """Yield a line for every scenario that names a requirement or a feature that there is not, or is there twice."""
    known = list(known)
    for each in known:
        where = f"{each.module}.py: {each.name}"
        yield from (f"{where}: there is no requirement {id_}" for id_ in each.declared.proves if id_ not in ids)
        yield from (f"{where}: there is no feature {name}" for name in each.declared.features - set(features))
        if "compat" in each.declared.profiles and each.declared.features:
            yield f"{where}: is for deployed clients, who know no features"
    for name, times in Counter(each.name for each in known).items():
        if times > 1:
            yield f"{name}: {times} scenarios have this name, so their checks cannot be told apart"


def missing_tests(requirements: Iterable[Requirement], root: Path) -> Iterator[str]:
    """Yield a line for every test that a requirement names and that is not there."""
    functions: dict[str, set[str]] = {}
    for each in requirements:
        for test in each.tests:
            file, _, function = test.partition("::")
            if file not in functions:
                functions[file] = _functions(root / file)
            if function not in functions[file]:
                yield f"{each.id}: there is no test {test}"


def _functions(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def unnamed_codes(codes: Iterable[str], ids: Collection[str]) -> Iterator[str]:
    """Yield a line for every error code without a requirement of its own."""
    for code in codes:
        wanted = f"error.{code.lower().replace('_', '-')}"
        if wanted not in ids:
            yield f"{code}: is an error code of the spec; write the requirement {wanted}"


def unmatched_routes(requirements: Iterable[Requirement], routes: Collection[str]) -> Iterator[str]:
    """Yield a line for every route that no requirement speaks of, and for every one that is none."""
    named = {route: each.id for each in requirements for route in each.routes}
    yield from (f"{route}: no requirement has it among its `routes:`" for route in sorted(routes - named.keys()))
    for route in sorted(named.keys() - routes):
        yield f"{named[route]}: {route} is no route of spec/openapi.yaml"


def stray_tests() -> Iterator[str]:
    """Yield a line for every test among the scenarios that declares nothing."""
    for each in pkgutil.iter_modules(scenarios.__path__):
        module = importlib.import_module(f"{scenarios.__name__}.{each.name}")
        yield from (f"{each.name}.py: {name} is no @scenario" for name in catalogue.names_of_tests(module))


def problems(root: Path) -> Iterator[str]:
    """Yield everything that is wrong."""
    try:
        requirements = list(read(root / "spec" / "requirements"))
    except Malformed as fault:
        yield str(fault)
        return
    spec: Spec = yaml.safe_load((root / "spec" / "openapi.yaml").read_text("utf-8"))
    known = catalogue.load()
    ids = {each.id for each in requirements}
    schemas = spec["components"]["schemas"]
    yield from misnamed(requirements)
    yield from unproved(requirements, {id_ for each in known for id_ in each.declared.proves})
    yield from unknown(known, ids, schemas["Feature"]["enum"])
    yield from missing_tests(requirements, root)
    yield from unnamed_codes(schemas["ErrorCode"]["enum"], ids)
    yield from unmatched_routes(requirements, {f"{method} {path}" for method, path in spec_routes(spec)})
    yield from stray_tests()


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = list(problems(ROOT))
    print("\n".join(found) if found else "every requirement has a check, a test or a reason")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
