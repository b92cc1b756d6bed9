"""The page of settings is made from the settings, and the one that is kept is the one that is made."""

from __future__ import annotations

import msgspec

from execd.settings import Settings, rows
from tools import document_settings


def test_the_page_has_every_setting_as_it_is() -> None:
    kept = document_settings.PAGE.read_text("utf-8")
    assert kept == document_settings.page()
    assert [row.name for row in rows()] == [field.name for field in msgspec.structs.fields(Settings)]
    assert all(f"| `{row.flag}` | `{row.variable}` |" in kept for row in rows())
