"""`execd-conformance mutants`: prove for every mutant that the checks which must see it do.

One healthy daemon; its scenarios run through a proxy that changes nothing, and must be green, and per mutant those that
its checks belong to. What is doubtful is looked at once more, one after the other, for a busy machine can make both.
With EXECD_REQUIRE_ALL=1 a local daemon's mutants are all to be caught, and none left out.
Status 0: all listed checks went red, and all was green with nothing broken; 1: not so. `Misused`, `Unreachable` and an
interruption are for whoever called.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

import pytest

from execd_conformance.given import Given
from execd_conformance.mutants.catalogue import MUTANTS
from execd_conformance.mutants.mutant import Mutant
from execd_conformance.mutants.plugin import HEALTHY
from execd_conformance.mutants.verdict import Tally, Verdict, doubtful, reds, unhealthy, verdict
from execd_conformance.opening import closed, open_session
from execd_conformance.session import Session
from execd_conformance.suite import FOLDER, alone
from execd_conformance.targets import Choice, Misused

_LANGUAGES: Final = ("python", "bash")
"""What a check sees in two languages it sees in six."""
_WORKERS: Final = 6  # of which many wait most of the time
_DESCRIPTION: Final = "Prove for every mutant, a daemon broken in one way, that the checks which must see it do."
_SEEK_HELP: Final = "instead, run the scenarios that match on the chosen mutants and say which checks go red"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand with what follows its name; return the exit status."""
    parser = argparse.ArgumentParser(prog="execd-conformance mutants", description=_DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(argv))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the subcommand takes."""
    parser.add_argument("--only", metavar="NAME", action="append", help="mutants by name or pattern; may be repeated")
    parser.add_argument(
        "--part", metavar="K/N", type=_part, default=Part(1, 1), help="every N-th of them, from the K-th"
    )
    parser.add_argument("--seek", metavar="PATTERN", help=_SEEK_HELP)
    parser.add_argument("--list", action="store_true", help="list the mutants and what they break")
    parser.add_argument("--target", default="local", help="local, docker:IMAGE, or the URL of a healthy daemon")
    parser.add_argument("--token", help="what opens the daemon at a URL")
    parser.add_argument("--execd", help="the command of a local target")
    parser.add_argument("-n", type=int, default=_WORKERS, help="how many scenarios at once (default %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Prove the mutants and say how it went; return the exit status."""
    chosen = _chosen(arguments.only)[arguments.part.number - 1 :: arguments.part.of]
    if arguments.list:
        for mutant in chosen:
            _say(f"{mutant.name}: {mutant.breaks}")
        return 0
    if not chosen:
        raise Misused("no mutant has that name")
    started, session = open_session(_choice(arguments), wanted=_LANGUAGES)
    try:
        tally = _tried(chosen, session, seek=arguments.seek, workers=arguments.n)
        again = [] if arguments.seek else [mutant for mutant in chosen if doubtful(tally, mutant)]
        if again:
            _say(f"a second look, at one after the other: {', '.join(mutant.name for mutant in again)}")
            tally.renew(_tried(again, session, seek=None, workers=1))
    finally:
        for fault in closed(started):
            _complain(fault)
    if arguments.seek:
        return _told_reds(tally, chosen)
    # A daemon that is started here, of the project itself, can be looked at by all checks of the catalogue.
    strict = os.environ.get("EXECD_REQUIRE_ALL") == "1" and arguments.target == "local"
    return _told(tally, chosen, strict=strict)


def _choice(arguments: argparse.Namespace) -> Choice:
    there = "://" in arguments.target
    token = arguments.token or (os.environ.get("EXECD_ACCESS_TOKEN") or None if there else None)
    return Choice(target=arguments.target, token=token, execd=arguments.execd)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _complain(why: str) -> None:
    sys.stderr.write(f"execd-conformance: {why}\n")


class Part(NamedTuple):
    """One of several parts of the mutants, which together are all of them."""

    number: int
    of: int


def _part(text: str) -> Part:
    number, _, of = text.partition("/")
    part = Part(int(number), int(of))
    if not 1 <= part.number <= part.of:
        raise ValueError(text)
    return part


def _chosen(patterns: list[str] | None) -> list[Mutant]:
    wanted = patterns or ["*"]
    return [mutant for mutant in MUTANTS if any(fnmatch.fnmatch(mutant.name, pattern) for pattern in wanted)]


def _tried(chosen: list[Mutant], session: Session, *, seek: str | None, workers: int) -> Tally:
    tally = Tally()
    arguments = ["-c", str(FOLDER / "pytest.ini"), "-p", "no:terminal", "-p", "no:cacheprovider", str(FOLDER)]
    arguments += ["-p", "execd_conformance.mutants.plugin", "--mutants", ",".join(mutant.name for mutant in chosen)]
    arguments += ["--seek", "-k", seek] if seek else []
    arguments += ["-p", "xdist.plugin", "-n", str(workers), "--dist", "worksteal"] if workers > 1 else []
    with alone():
        ended = pytest.main(arguments, plugins=[tally, Given(session)])
    if ended == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        tally.faults.append(f"pytest ended with status {int(ended)}")
    return tally


def _told(tally: Tally, chosen: list[Mutant], *, strict: bool) -> int:
    sick = unhealthy(tally)
    for each in sick:
        _say(f"UNHEALTHY {each.full_name} {each.status} with nothing broken: {each.saw}")
    for fault in tally.broken.get(HEALTHY, ()):
        _say(f"Note: the proxy raised {fault} with nothing broken")
    for fault in tally.faults:
        _say(f"FAULT     {fault}")
    verdicts = [verdict(tally, mutant) for mutant in chosen]
    for one in verdicts:
        _say(_line(one, strict=strict))
    proven = sum(each.proven for each in verdicts)
    impossible = 0 if strict else sum(each.impossible for each in verdicts)
    missed = len(verdicts) - proven - impossible
    _say(f"{proven} caught, {missed} missed, {impossible} left out, {len(sick)} checks unhealthy")
    return int(bool(missed or sick or tally.faults))


def _line(each: Verdict, *, strict: bool) -> str:
    if each.broken:
        return f"MISSED    {each.name} (broken): it raised {'; '.join(each.broken)}"
    if each.impossible and not strict:
        return f"left out  {each.name}: this target cannot give what its checks need"
    if not each.proven:
        return f"MISSED    {each.name}: by {', '.join(each.missed or each.left_out) or 'all, as it lists no check'}"
    return f"caught    {each.name}: by {', '.join(each.caught)}"


def _told_reds(tally: Tally, chosen: list[Mutant]) -> int:
    for each in unhealthy(tally):
        _say(f"UNHEALTHY {each.full_name} {each.status} with nothing broken: {each.saw}")
    for mutant in chosen:
        _say(f"{mutant.name}:")
        for check in reds(tally, mutant.name):
            _say(f"    {check}")
    return 0
