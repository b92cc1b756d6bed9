"""What packages built on this one need to read runs of a kind of their own.

`sandbox.runs.open` gives a run that is resumed when its connection breaks and stopped when its reader leaves;
`Gathering` and `Lines` make text, exact bytes and lines of its output, as those of commands are made.
"""

from __future__ import annotations

from opensandbox._async.run import AsyncRun, AsyncRuns
from opensandbox._core.gathering import Gathering, Piece
from opensandbox._core.lines import Lines
from opensandbox._sync.run import SyncRun, SyncRuns

__all__ = ["AsyncRun", "AsyncRuns", "Gathering", "Lines", "Piece", "SyncRun", "SyncRuns"]
