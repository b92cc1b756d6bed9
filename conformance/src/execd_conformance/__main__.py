"""`execd-conformance`: arguments in, the report and an exit status out.

Status 0: all passed; 1: checks failed; 2: no daemon answers, or the arguments make no sense. The last line is the score.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from execd_conformance.collector import Collector
from execd_conformance.given import Given
from execd_conformance.plugin import open_session
from execd_conformance.session import Session
from execd_conformance.targets import Choice, Misused, Unreachable

SCENARIOS: Final = Path(__file__).with_name("scenarios")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite."""
    args = _parser().parse_args(argv)
    try:
        choice = Choice(target=args.target, token=args.token, execd=args.execd)
        started, session = open_session(choice, profile=args.profile)
    except (Unreachable, Misused) as fault:
        print(f"execd-conformance: {fault}", file=sys.stderr)
        return 2
    try:
        came = _run(session, args)
    finally:
        started.close()
    for each in came.outcomes:
        if each.status != "passed":
            print(f"{each.status:8} {each.full_name}: {each.saw}")
    count = {
        status: sum(each.status == status for each in came.outcomes)
        for status in ("passed", "failed", "skipped", "error")
    }
    print(
        f"{count['passed']} passed, {count['failed']} failed, 0 expected, {count['skipped']} skipped, {count['error']} errors"
    )
    return int(bool(count["failed"] or count["error"]))


def _run(session: Session, args: argparse.Namespace) -> Collector:
    collector = Collector()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    argv = ["-c", str(SCENARIOS / "pytest.ini"), "-p", "no:terminal", "-p", "no:cacheprovider", str(SCENARIOS)]
    argv += ["-k", args.only] if args.only else []
    argv += ["-p", "xdist.plugin", "-n", str(args.n)] if args.n else []
    pytest.main(argv, plugins=[collector, Given(session)])
    return collector


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="execd-conformance", description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--token", default=None)
    parser.add_argument("--execd", default=None)
    parser.add_argument("--profile", default="full", choices=["full", "compat"])
    parser.add_argument("--only", default=None)
    parser.add_argument("-n", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
