"""A daemon's lease, kept for as long as this process lives.

From a thread of its own: a caller that blocks its event loop for minutes is alive all the same. A fork does not take
the thread along, so it never keeps alive what its parent has left.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import suppress
from typing import Final

from opensandbox._core.config import TOKEN_HEADER

_BEATS: Final = 4
"""How many times within a lease it is asked: a few may be lost."""
_AGAIN_S: Final = 0.5
"""How soon after one that was lost."""


class Lease:
    """Asks a daemon on this machine for its version, again and again, until it is closed."""

    def __init__(self, port: int, *, token: str, lease_s: float) -> None:
        self._port = port
        self._token = token
        self._every_s = lease_s / _BEATS
        self._over = threading.Event()
        threading.Thread(target=self._keep, name="opensandbox-lease", daemon=True).start()

    def close(self) -> None:
        """Keep it no longer."""
        self._over.set()

    def _keep(self) -> None:
        wait = min(_AGAIN_S, self._every_s)
        while not self._over.wait(wait):
            wait = self._every_s if self._ask() else min(_AGAIN_S, self._every_s)

    def _ask(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._every_s)
        try:
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/version", headers={TOKEN_HEADER: self._token})
                return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
        return False
