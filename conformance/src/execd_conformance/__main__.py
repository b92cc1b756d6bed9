"""`execd-conformance`: arguments in, the report and an exit status out.

Status 0: all passed; 1: checks failed; 2: no daemon answers, or bad usage. The last line is the score.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from execd_conformance import baseline, catalogue, machine, probe, report, requirements, suite
from execd_conformance.arguments import Arguments, parse
from execd_conformance.opening import closed, open_session
from execd_conformance.result import Result, refuse_skips
from execd_conformance.targets import Misused, Started, Unreachable


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite, or what proves it; return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started here ends with us
    try:
        if argv[:1] == ["mutants"]:
            # Most runs have no use for it.
            from execd_conformance.mutants import main as prove  # noqa: PLC0415

            return prove(argv[1:])
        arguments = parse(argv, environ=os.environ)
        return _list(arguments) if arguments.list else _run(arguments)
    except (Unreachable, Misused) as fault:
        print(f"execd-conformance: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("execd-conformance: interrupted", file=sys.stderr)
        return 130


def _list(arguments: Arguments) -> int:
    for each in _chosen(arguments):
        _print("\n".join(each.checks))
    return 0


def _chosen(arguments: Arguments) -> list[catalogue.Scenario]:
    chosen = catalogue.selected(catalogue.load(), profile=arguments.profile, only=arguments.only)
    if not chosen:
        raise Misused(f"no scenario is meant by --only {','.join(arguments.only)}")
    return chosen


def _run(arguments: Arguments) -> int:
    _chosen(arguments)
    for path in filter(None, (arguments.junit, arguments.json)):
        _write(path, "", mode="a")  # a run is long: what cannot be written is said before it
    reasons = baseline.read(arguments.baseline) if arguments.baseline is not None else {}
    started, session = open_session(
        arguments.choice, profile=arguments.profile, only=arguments.only, wanted=arguments.languages
    )
    try:
        result = suite.run(session, workers=arguments.workers, tell=_progress)
        notes = (*result.notes, *_last_words(started))
    finally:
        unclosed = closed(started)
    _progress("\n")
    return _tell(_judged(replace(result, notes=(*notes, *unclosed)), arguments, reasons), arguments)


def _judged(result: Result, arguments: Arguments, reasons: dict[str, str]) -> Result:
    known = {check for each in catalogue.load() for check in each.checks}
    outcomes = baseline.apply(result.outcomes, reasons, known=known)
    return replace(result, outcomes=tuple(refuse_skips(outcomes) if arguments.require_all else outcomes))


def _last_words(started: Started) -> list[str]:
    """Say so where the daemon did not live to the end."""
    try:
        probe.require(started.place)
    except Unreachable as fault:
        log = started.log().strip().rpartition("\n")[2]
        return [f"at the end {fault}", *([f"the last that it logged: {log}"] if log else [])]
    return []


def _tell(result: Result, arguments: Arguments) -> int:
    texts = requirements.load()
    _print("\n".join(report.lines(result, texts)))
    for path, text in ((arguments.junit, machine.junit), (arguments.json, machine.as_json)):
        if path is not None:
            _write(path, text(result, texts))
    return result.status


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # daemons say what no terminal may have letters for
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever read it has seen enough; at its end Python would flush once more, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: Path, text: str, *, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as fault:
        raise Misused(f"cannot write {path}: {fault.strerror}") from None


def _progress(sign: str) -> None:
    with suppress(OSError):
        sys.stderr.write(sign)
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
