"""Bash: a cell's value is its output, and its error the status of its last command."""

from __future__ import annotations

from typing import Final

from execd_conformance.languages.shape import Bare, Failure, Language


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


BASH: Final = Language(
    name="bash",
    bare=Bare(kernel="bash_kernel 0.10.0", start_ms=2755, warm_ms=108),
    says=lambda text: f"echo {text}",
    warns=lambda text: f"echo {text} >&2",
    keeps=lambda text: f"kept={text}",
    tells='echo "$kept"',
    directory="pwd",
    variable=lambda name: f'echo "${name}"',
    value=None,
    library=("printf '%s\\n' b a | sort | tr '\\n' ' ' | sed 's/ $/!/'", "a b!"),
    defines=(
        "twice() { echo $((2 * $1)); }\ndeclare -A pair=([left]=5)",
        'sum() { echo $((pair[left] + $(twice "${pair[left]}"))); }',
    ),
    uses=("sum", "15\n"),
    redefines=("twice() { echo $((20 * $1)); }", "105\n"),
    fails=("(exit 3)", "CommandExecError"),
    raises=Failure(code="kept=ok\nno_such_command_ä", name="CommandExecError", says="no_such_command_ä", line=None),
    unreadable=Failure(code="echo ran\nif then fi", name="CommandExecError", says="syntax error", line=2),
    no_code="if then fi",
    spins="while :; do :; done",
    sleeps=lambda seconds: f"sleep {seconds}",
    ticks="while :; do echo tick; sleep 0.05; done",
    stubborn="trap '' INT; echo begun; while :; do sleep 0.01; done",
    dies=("kill -9 $$",),
    stops="kill -STOP $$",
    counts=lambda number: f"for ((each = 0; each < {number}; each++)); do echo $each; done",
    any_text=lambda text: f"printf '%s\\n' {_quoted(text)}",
    weighs="cat /proc/$$/status",
)
