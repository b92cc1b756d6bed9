# Generated from packages/sdk/src/opensandbox/_async/reading.py by tools/unasync.py; do not edit.
"""What a command has written so far, read in portions that fit on a line that breaks."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from opensandbox._acompat import sleep
from opensandbox._core import calls, decode
from opensandbox._core.portions import Portions
from opensandbox.exceptions import SandboxException
from opensandbox.results import CommandOutput
from opensandbox.transport import SyncTransport, Reply


class LogReading:
    """The log of one command from `cursor` on, to where it ended when the reading began."""

    def __init__(self, transport: SyncTransport, execution_id: str, *, cursor: int) -> None:
        self._transport = transport
        self._execution_id = execution_id
        self._at = cursor
        self._newest: int | None = None
        self._portions = Portions()
        self._stdout: list[bytes] = []
        self._stderr: list[bytes] = []
        self._is_truncated = False
        self._loses = False
        """Whether what comes next is being dropped while portions are fetched."""

    def read(self) -> CommandOutput:
        """Read it all."""
        is_over = False
        while not is_over:
            try:
                # What is announced in one answer is kept until it is sent: so the rest is asked for in one.
                is_over = self._portion(None if self._loses else self._at + self._portions.size)
                self._portions.went()
            except SandboxException as fault:
                self._loses = False
                wait = self._portions.lost(fault, now=time.monotonic(), jitter=random.random())  # noqa: S311 - spread
                sleep(wait)
        return CommandOutput(
            stdout_bytes=b"".join(self._stdout),
            stderr_bytes=b"".join(self._stderr),
            cursor=self._at,
            truncated=self._is_truncated,
        )

    def _portion(self, until: int | None) -> bool:
        """Read both streams up to one place, or to the end; tell whether that was the last of it."""
        out = self._one("stdout", until)
        start, end = decode.cursor(out.headers, asked=self._at)
        # The other stream up to the same place: one cursor stands for both.
        err = self._one("stderr", end)
        later, _ = decode.cursor(err.headers, asked=self._at)
        if self._newest is None:
            self._newest = decode.log_end(out.headers)
        self._stdout.append(out.body)
        self._stderr.append(err.body)
        self._loses = max(start, later) > self._at
        self._is_truncated |= self._loses
        self._at = end
        if until is None:
            return True
        return end < until if self._newest is None else end >= self._newest

    def _one(self, stream: str, until: int | None) -> Reply:
        features = self._transport.features
        request = calls.read_log(self._execution_id, features=features, cursor=self._at, stream=stream, until=until)
        return self._transport.send(replace(request, tries=1))
