"""Code execution in languages for `opensandbox`; it arrives with a later release, and this one holds no API yet."""

from __future__ import annotations

__version__ = "0.1.0"
