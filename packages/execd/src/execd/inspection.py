"""`execd kernels` and `execd doctor`: what code can be run here, and whether each kernel does what it is there for.

Both read the settings of the daemon, and answer for one that is started with the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from execd import app, logs, settings
from execd.chosen import Chosen
from execd.kernel import kernelspecs
from execd.kernel.installed import Installed, installed, missing
from execd.versions.choice import VARIABLES, versions
from execd.versions.places import TOOLS

if TYPE_CHECKING:
    from execd.guard import Handover
    from execd.kernel.doctor import Finding
    from execd.kernel.languages import Languages

SUBCOMMANDS: Final = ("kernels", "doctor")
INTERRUPTED: Final = 128 + signal.SIGINT
_JSON: Final = "--json"


def run(handover: Handover) -> int:
    """Answer a subcommand on standard output; return 0, or 1 where a kernel fails or there is none.

    Raises `UsageError`, `SettingsError`.
    """
    subcommand, *argv = handover.argv
    installs = subcommand == "kernels" and argv[:1] == ["install"]
    words, argv = _named(argv[1:]) if installs else ([], argv)
    flags = [word for word in argv if word != _JSON]
    chosen = settings.read(flags, tokens=handover.tokens)
    # Blocked until somebody waits for them, and whoever is started inherits that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    logs.set_up(chosen.log_level, json=chosen.log_format == "json")
    if installs:
        return _install(words, chosen, as_json=_JSON in argv)
    environment = Chosen.of(chosen)
    daemon = app.build(chosen, root=os.getppid(), environment=environment.environment)
    answer = _doctor if subcommand == "doctor" else _kernels
    try:
        return asyncio.run(answer(daemon, environment, as_json=_JSON in argv))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        environment.close()


def _named(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part what is named, up to the first flag, from the flags."""
    at = next((index for index, word in enumerate(argv) if word.startswith("-")), len(argv))
    return list(argv[:at]), list(argv[at:])


def _install(words: Sequence[str], chosen: settings.Settings, *, as_json: bool) -> int:
    from execd.installation import install
    from execd.kernel.installing.wanted import wanted

    try:
        return asyncio.run(install(wanted(words), chosen, as_json=as_json))
    except KeyboardInterrupt:
        return INTERRUPTED


async def _kernels(daemon: app.Daemon, chosen: Chosen, *, as_json: bool) -> int:
    languages = daemon.services.code.languages
    found = await installed(languages)
    absent = await languages.absent()
    names = kernelspecs.names(languages.environment)
    others = missing(found)
    choices = {tool: versions(found) for tool, found in (await chosen.versions(*TOOLS)).items()}
    if as_json:
        rows = [_row(kernel) for kernel in found]
        why = {language: reason for language in others if (reason := languages.doubts(language))}
        told = {"kernels": rows, "missing": others, "why": why, "absent": absent, "kernelspecs": names}
        _print_json({**told, "versions": choices})
        return 0
    table = [(*_names(kernel), "yes" if kernel.serves else "no", kernel.interpreter.path) for kernel in found]
    _print_table([("LANGUAGE", "KERNEL", "VERSION", "SERVES", "PROGRAM"), *table])
    for kernel in found:
        for limit in kernel.spec.limits:
            print(f"limit of {kernel.spec.kernel}: {limit}")
    for line in _lacking(languages, others):
        print(line)
    for tool, choice in choices.items():
        if len(choice) > 1:
            print(f"{VARIABLES[tool]} chooses among {', '.join(choice)}")
    if absent:
        print(f"preferred, but not there: {', '.join(absent)}")
    if names:
        print(f"kernelspecs for --kernels language=name: {', '.join(names)}")
    return 0


async def _doctor(daemon: app.Daemon, _: Chosen, *, as_json: bool) -> int:
    from execd.kernel.doctor import Doctor

    code = daemon.services.code
    told: list[tuple[Installed, list[Finding]]] = []
    try:
        for kernel in await installed(code.languages):
            contexts = await code.apart(kernel.spec)
            try:
                findings = await Doctor(contexts, daemon.services.registry, kernel.spec).examine()
            finally:
                await contexts.close()
            told.append((kernel, findings))
            if not as_json:
                _print_findings(kernel, findings)
    finally:
        await daemon.close()
    absent = await code.languages.absent()
    others = missing([kernel for kernel, _ in told])
    if as_json:
        rows = [{**_row(kernel), "findings": [asdict(each) for each in findings]} for kernel, findings in told]
        _print_json({"kernels": rows, "missing": others, "absent": absent})
    else:
        for line in _lacking(code.languages, others):
            print(line, file=sys.stderr)
        if absent:
            print(f"preferred, but not there: {', '.join(absent)}", file=sys.stderr)
    if not told and not as_json:
        print("there is no kernel here", file=sys.stderr)
    well = all(finding.complaint is None for _, findings in told for finding in findings)
    return 0 if told and well else 1


def _lacking(languages: Languages, missing_ones: Sequence[str]) -> list[str]:
    """Return lines about languages that are not served: each with why, and one for all of which nothing is known."""
    why = {language: languages.doubts(language) for language in missing_ones}
    unknown = [language for language, reason in why.items() if reason is None]
    lines = [f"no kernel of {language}: {reason}" for language, reason in why.items() if reason is not None]
    return [*lines, f"no kernel: {', '.join(unknown)} (execd kernels install)"] if unknown else lines


def _print_findings(kernel: Installed, findings: Sequence[Finding]) -> None:
    print("  ".join(word for word in _names(kernel) if word))
    for finding in findings:
        print(f"  {finding.question:<10} {finding.complaint or 'well'} ({finding.took_ms} ms)", flush=True)


def _names(kernel: Installed) -> tuple[str, str, str]:
    found = kernel.interpreter
    return kernel.spec.language, kernel.spec.kernel, found.kernel_version or found.language_version


def _row(kernel: Installed) -> dict[str, Any]:
    return {
        "language": kernel.spec.language,
        "kernel": kernel.spec.kernel,
        "kernel_version": kernel.interpreter.kernel_version,
        "language_version": kernel.interpreter.language_version,
        "serves": kernel.serves,
        "program": kernel.interpreter.path,
        "limits": list(kernel.spec.limits),
    }


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(_line(row, widths))


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
