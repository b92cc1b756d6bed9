"""Compare what is generated with what it is generated from: structs, synchronous twins, and the routes that are served.

Each line it prints names a file or a route and says what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
# As a script it sees this tree, whatever is installed.
sys.path[:0] = [str(ROOT), str(ROOT / "packages/execd/src")]

from tools import generate_wire, unasync  # noqa: E402 - after the path is set

Route = tuple[str, str]
"""A method in capitals, and a path as the spec writes it."""

_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_WEBSOCKET: Final = "x-websocket"


def stale_structs(expected: Iterable[tuple[Path, str]], root: Path) -> Iterator[str]:
    """Yield a line for every generated struct file that is not what the spec gives."""
    for path, text in expected:
        if not path.is_file() or path.read_text() != text:
            yield f"{path.relative_to(root)}: is not what the spec gives; run `python tools/generate_wire.py`"


def spec_routes(spec: dict[str, Any]) -> set[Route]:
    """Return the routes of the spec; one marked by `x-websocket: true` has the method WEBSOCKET, as in the table."""
    return {
        ("WEBSOCKET" if operation.get(_WEBSOCKET) else method.upper(), path)
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def served_routes() -> set[Route]:
    """Return the routes of the daemon's table."""
    from execd.http.routes import ROUTES  # noqa: PLC0415 - the other checks do not need the daemon

    return {(method, path) for method, path, _ in ROUTES}


def unmatched_routes(spec: set[Route], served: set[Route]) -> Iterator[str]:
    """Yield a line for every route that only one side has."""
    for method, path in sorted(spec - served):
        yield f"{method} {path}: in the spec, not served; add it to ROUTES in execd/http/routes.py"
    for method, path in sorted(served - spec):
        yield f"{method} {path}: served, not in the spec; write it into spec/openapi.yaml first"


def problems(root: Path) -> Iterator[str]:
    """Yield everything that is wrong."""
    yield from stale_structs(generate_wire.rendered(root), root)
    yield from unasync.problems(root)
    yield from unmatched_routes(spec_routes(generate_wire.load_spec(root)), served_routes())


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    count = 0
    # As it is found: a generated file that was spoilt may keep the daemon's routes from being imported at all.
    for count, line in enumerate(problems(ROOT), 1):  # noqa: B007 - the last number counts
        print(line, flush=True)
    if not count:
        print("generated files and routes are as their sources give them")
    return bool(count)


if __name__ == "__main__":
    sys.exit(main())
