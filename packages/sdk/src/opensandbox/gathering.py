"""What packages built on this one make text, exact bytes and lines of output with, as it is done for commands."""

from __future__ import annotations

from opensandbox._core.gathering import Gathering, Piece
from opensandbox._core.lines import Lines

__all__ = ["Gathering", "Lines", "Piece"]
