"""The base of the generated structs of the daemon: frozen, nothing unknown is taken, nothing absent is written."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A value of the wire as the daemon takes and gives it."""
