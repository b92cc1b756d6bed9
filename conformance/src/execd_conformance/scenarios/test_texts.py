"""Text is what the program wrote, not what would look alike: no normal forms, nothing stripped."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import texts
from execd_conformance.raw import Raw

ALIKE = "e\u0301 \u00e9 \u212b \u1112\u1161\u11ab \ufb01"
COLOURED = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2K\x07\x08"
HIDDEN = "a\u200bb\u200fc\u00add\ufeffe\U000e0041f"
TEXT = f"{ALIKE}|{COLOURED}|{HIDDEN}"


def _octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in text.encode())


@scenario("streams", "lines.one-event-each", "event.output-stream", profiles=("full", "compat"))
async def test_a_line_is_not_made_prettier(checks: Checks, raw: Raw) -> None:
    """Composed and decomposed characters, escape sequences, characters that nobody sees, on both streams."""
    command = f"printf '{_octal(TEXT)}\\n'; printf '{_octal(TEXT)}\\n' >&2"
    events = await raw.events("POST", "/command", json={"command": command})
    checks.equal("lines.one-event-each", texts(events), [TEXT])
    checks.equal("event.output-stream", texts(events, "stderr"), [TEXT])


@scenario("streams", "chunks.exact", features={"output"})
async def test_a_chunk_is_not_made_prettier(checks: Checks, raw: Raw) -> None:
    """The same as one chunk or several."""
    events = await raw.events("POST", "/command", json={"command": f"printf '{_octal(TEXT)}'", "output": "chunks"})
    checks.equal("chunks.exact", "".join(map(str, texts(events))), TEXT)
