"""What became of a language that was to be installed, for programs and in lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from execd.kernel.doctor import Finding


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one language."""

    language: str
    wanted: str | None = None
    """The version that was asked for."""
    version: str = ""
    """That which serves."""
    kernel: str = ""
    program: str = ""
    installed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    missing: str | None = None
    """Why it is not served, None where it is."""
    commands: tuple[str, ...] = ()
    """What would help."""
    hint: str | None = None
    took_s: float = 0

    @property
    def well(self) -> bool:
        """Whether the language is served, and passed its trial."""
        return self.missing is None and all(finding.complaint is None for finding in self.findings)


def told(outcome: Outcome) -> str:
    """Return one line of what became of a language, and one for each thing that would help."""
    asked = f"{outcome.language}@{outcome.wanted}" if outcome.wanted else outcome.language
    head = asked if outcome.missing is not None else f"{outcome.language} {outcome.version}".rstrip()
    lines = []
    if outcome.missing is not None:
        lines.append(f"{head}: not served: {outcome.missing} ({outcome.took_s:g} s)")
    else:
        trial = "; ".join(_judged(outcome.findings))
        done = f"installed {', '.join(outcome.installed)}" if outcome.installed else "was there"
        lines.append(f"{head}: {outcome.kernel}, {outcome.program}; {done}; {trial} ({outcome.took_s:g} s)")
    if outcome.missing is not None and outcome.installed:
        lines.append(f"  installed: {', '.join(outcome.installed)}")
    lines += [f"  {outcome.hint}"] if outcome.hint else []
    lines += [f"  try: {command}" for command in outcome.commands]
    return "\n".join(lines)


def _judged(findings: Sequence[Finding]) -> list[str]:
    well = [finding.question for finding in findings if finding.complaint is None]
    ill = [f"{finding.question}: {finding.complaint}" for finding in findings if finding.complaint is not None]
    return ([f"{', '.join(well)} well"] if well else []) + ill
