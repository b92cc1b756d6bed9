"""One write to a command's standard input: in portions, each sent again when its connection breaks, and taken once."""

from __future__ import annotations

import random
import time
import uuid

from opensandbox._acompat import asleep
from opensandbox._core import calls
from opensandbox._core.portions import Portions
from opensandbox.exceptions import SandboxConnectionException, StreamInterruptedException
from opensandbox.transport import AsyncTransport


class StdinWrite:
    """Bytes that follow each other; of a daemon without `write_id` a broken connection is the end of them."""

    def __init__(self, transport: AsyncTransport, execution_id: str) -> None:
        self._transport = transport
        self._execution_id = execution_id
        self._write_id = uuid.uuid4().hex if "write_id" in transport.features else None
        self._offset = 0
        self._portions = Portions()

    async def write(self, data: bytes, *, end: bool = False) -> None:
        """Write all of `data`, and end standard input after it if asked to; returns when it has been taken."""
        left, is_last = memoryview(data), False
        while not is_last:
            portion = left[: self._portions.size]
            is_last = len(portion) == len(left)
            if await self._is_taken(bytes(portion), end=end and is_last):
                left = left[len(portion) :]
            else:
                is_last = False

    async def _is_taken(self, portion: bytes, *, end: bool) -> bool:
        """Send a portion; False, after a while, when the connection broke and it is to be sent again."""
        request = calls.write_stdin(self._execution_id, portion, end=end, write_id=self._write_id, offset=self._offset)
        try:
            await self._transport.send(request)
        except SandboxConnectionException as fault:
            await asleep(self._wait_after(fault))
            return False
        self._portions.went()
        self._offset += len(portion)
        return True

    def _wait_after(self, fault: SandboxConnectionException) -> float:
        try:
            if self._write_id is None:
                # How much of it arrived nobody can say, so nobody can write the rest.
                raise fault
            return self._portions.lost(fault, now=time.monotonic(), jitter=random.random())  # noqa: S311 - spread
        except SandboxConnectionException:
            raise StreamInterruptedException(
                f"standard input broke: {fault}", details={"taken": self._offset}
            ) from fault
