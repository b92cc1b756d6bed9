"""How a stream of ipykernel's is sent: nothing stays behind a flush, and no gigabyte waits for one.

ipykernel's flush returns before the thread that sends has sent; it sends what there is five times a second, however
much that has become; and it waits for that thread four times a cell, where there mostly is nothing to send.
"""

import threading
from typing import Any

UNSENT_CHARACTERS = 1024 * 1024
"""After how many written ones a cell waits until they are sent."""


class Sending:
    """Takes the place of three methods of one stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._send, self._flush, self._write = stream._flush, stream.flush, stream.write
        self._is_sending = False
        self._size = 0
        # The object keeps its class: others look at that.
        stream._flush, stream.flush, stream.write = self.send, self.flush, self.write

    def send(self) -> None:
        """Send what there is; in the thread that sends."""
        self._is_sending = True
        try:
            self._send()
        finally:
            self._is_sending = False

    def write(self, string: str) -> Any:
        """Write, and wait when too much is unsent."""
        written = self._write(string)
        self._size += len(string)
        if self._size > UNSENT_CHARACTERS:
            self.flush()
        return written

    def flush(self) -> None:
        """Return when all that was written is sent."""
        self._size = 0
        stream = self._stream
        thread = stream.pub_thread
        if thread is None or not thread.thread.is_alive() or thread.thread is threading.current_thread():
            self._flush()
            return
        if not (stream._buffers or self._is_sending or thread._events):
            return
        sent = threading.Event()
        thread.schedule(stream._flush)
        # It has more to do after that: what it sends from within a flush comes last in its line.
        thread.schedule(lambda: thread.schedule(sent.set))
        sent.wait(stream.flush_timeout)
