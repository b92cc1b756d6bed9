"""The base of the generated structs of the SDK: frozen, unknown fields are skipped, nothing absent is written."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value of the wire as a client takes and gives it."""
