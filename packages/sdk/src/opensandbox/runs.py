"""What packages built on this one read runs of a kind of their own with.

`sandbox.runs.open` gives a run that is resumed when its connection breaks, and stopped when its reader leaves or the
sandbox is closed. `afinish` (and `finish` without `await`) does what has to be done although its caller was cancelled,
for so many seconds.
"""

from __future__ import annotations

from opensandbox._acompat import afinish, finish
from opensandbox._async.run import AsyncRun, AsyncRuns
from opensandbox._sync.run import SyncRun, SyncRuns

__all__ = ["AsyncRun", "AsyncRuns", "SyncRun", "SyncRuns", "afinish", "finish"]
