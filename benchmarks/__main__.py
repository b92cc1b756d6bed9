"""Print what the daemon costs beside what the machine makes possible: `python -m benchmarks [--quick] [names…]`.

No bar fails the run: times depend on the machine, ratios on its noise. A row that misses its bar says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable

from benchmarks import cells, commands, footprint, transfers, trees
from benchmarks.measure import Row, table

BENCHES: dict[str, Callable[[bool], Awaitable[list[Row]]]] = {
    "spawn": commands.spawn,
    "output": commands.output,
    "clients": commands.clients,
    "footprint": footprint.footprint,
    "cells": cells.cells,
    "transfers": transfers.transfers,
    "trees": trees.trees,
    "responses": trees.responses,
}


async def main(names: list[str], *, quick: bool) -> None:
    """Run the named benches, or all of them."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    rows: list[Row] = []
    for name in names or list(BENCHES):
        rows += await BENCHES[name](quick)
    print(table(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and fewer bytes")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHES):
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}")
    asyncio.run(main(arguments.names, quick=arguments.quick))
