# Generated from packages/sdk/src/opensandbox/_async/watch.py by tools/unasync.py; do not edit.
"""Changes of files in the sandbox, as they happen."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, Self

from opensandbox import _wire
from opensandbox._acompat import finish
from opensandbox._core import metrics, watching
from opensandbox._core.request import Received, StreamRequest
from opensandbox.exceptions import SandboxException
from opensandbox.results import FileChange
from opensandbox.transport import SyncTransport

_GRACE_S: Final = 2.0
"""How long the end of a watch is waited for; one that is not told ends by itself when its reader has left."""


class Watch:
    """Changes below one directory, read once: `async for change in watch`, best inside `async with`.

    When the `async with` has begun, so has the watch: what happens from then on is told. Leaving it ends the watch.
    """

    def __init__(self, transport: SyncTransport, request: StreamRequest[_wire.WatchEvent]) -> None:
        self._transport = transport
        self._request = request
        self._batches = transport.stream(request)
        self._waiting: list[Received[_wire.WatchEvent]] = []
        self._is_open = False

    def __enter__(self) -> Self:
        self._waiting = next(self._batches, [])
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Generator[FileChange, None]:
        """Read the changes; once."""
        try:
            while self._waiting or not self._is_open:
                self._is_open = True
                for _, event in self._waiting:
                    if isinstance(event, _wire.ErrorEvent):
                        raise metrics.ended(event)
                    if (change := watching.change(event)) is not None:
                        yield change
                self._waiting = next(self._batches, [])
        finally:
            self.close()

    def close(self) -> None:
        """End the watch; again is nothing."""
        with suppress(RuntimeError, ValueError):  # a loop that was left may be closing it at this moment
            self._batches.close()
        if self._is_open:
            self._is_open = False
            with suppress(SandboxException, ValueError):
                finish(partial(self._stop), grace=_GRACE_S)

    def _stop(self) -> None:
        if self._request.execution_id is not None:
            self._transport.send(watching.stop(self._request.execution_id))
