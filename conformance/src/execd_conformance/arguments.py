"""The command line as one value."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from execd_conformance import __version__
from execd_conformance.checks import PROFILES
from execd_conformance.languages import LANGUAGES
from execd_conformance.targets import Choice

_EPILOG: Final = """
exit status: 0 all passed, 1 checks failed, 2 no daemon answers or bad usage.
The last line is `N passed, M failed, K expected, S skipped, E errors`.
With EXECD_REQUIRE_ALL=1 what is skipped has failed.
`execd-conformance mutants` proves the checks themselves, each against a daemon that is broken in one way.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What was asked for."""

    choice: Choice
    profile: str
    only: tuple[str, ...]
    languages: tuple[str, ...]
    """Those that are to be served, and the only ones that are looked at; none: whatever is served."""
    baseline: Path | None
    junit: Path | None
    json: Path | None
    workers: int
    list: bool
    require_all: bool


def parse(argv: Sequence[str], *, environ: Mapping[str, str]) -> Arguments:
    """Return what was asked for; bad usage exits with status 2 and one line that says why."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.target is None and not given.list:
        parser.error("say what is tested: --target local, --target docker:IMAGE or --target http://HOST:PORT")
    if given.n < 0:
        parser.error("-n is a number of processes")
    languages = _parts(given.languages)
    if unknown := [each for each in languages if each not in LANGUAGES]:
        parser.error(f"--languages: {unknown[0]!r} is none of {', '.join(LANGUAGES)}")
    target = given.target or ""
    ours = target == "local" or target.startswith("docker:")
    token = given.token or (None if ours else environ.get("EXECD_ACCESS_TOKEN") or None)
    return Arguments(
        choice=Choice(target=target, token=token, execd=given.execd),
        profile=given.profile,
        only=_parts(given.only),
        languages=languages,
        baseline=given.baseline,
        junit=given.junit,
        json=given.json,
        workers=given.n,
        list=given.list,
        require_all=environ.get("EXECD_REQUIRE_ALL") == "1",
    )


def _parts(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for each in given for part in each.split(",") if part.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="execd-conformance",
        description="Hold a daemon of the execution API against its contract.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--target", help="local (starts one here), docker:IMAGE (starts a container), or the URL of a daemon")
    add("--token", help="what opens the daemon at a URL; EXECD_ACCESS_TOKEN says it too")
    add("--profile", choices=PROFILES, default="full", help="compat: only what deployed clients rely on")
    add("--only", action="append", default=[], metavar="PATTERN", help="scenarios, files, areas or checks; commas part")
    add(
        "--languages",
        action="append",
        default=[],
        metavar="NAMES",
        help="languages that are to be served, and no others are looked at; commas part",
    )
    add("--baseline", type=Path, metavar="FILE", help="expected failures, each with its reason")
    add("--junit", type=Path, metavar="FILE", help="write JUnit's XML")
    add("--json", type=Path, metavar="FILE", help="write all that is known")
    add("-n", type=int, default=0, metavar="N", help="run in so many processes side by side; 0: in this one")
    add("--execd", metavar="PATH", help="the execd command of a local target; without it, that of this Python")
    add("--list", action="store_true", help="print the checks instead, and run none")
    add("--version", action="version", version=__version__)
    return parser
