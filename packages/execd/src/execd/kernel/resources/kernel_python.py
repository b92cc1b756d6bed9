"""Starts ipykernel so that it loses nothing; the sandbox's own Python runs this, and need not know the daemon.

ipykernel drops what it publishes beyond the thousand messages that its peer has not taken yet, and a whole flush of
output for half a character in it.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

# What lies beside this file is not meant by anybody's imports; the working directory takes its place later.
del sys.path[0]

from ipykernel.kernelapp import IPKernelApp  # noqa: E402


def forgiving(pack: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Return `pack`, which makes JSON of a part of a message, with escapes for what UTF-8 cannot hold."""

    def packed(value: Any) -> bytes:
        try:
            return pack(value)
        except UnicodeEncodeError:
            return json.dumps(value, default=str).encode()

    return packed


class KernelApp(IPKernelApp):
    """The same, with an output channel that keeps everything."""

    def init_iopub(self, context: Any) -> None:
        """Make the output channel."""
        context.sndhwm = 0
        self.session.pack = forgiving(self.session.pack)
        make: Any = super().init_iopub  # of which ipykernel does not say the types
        make(context)


if __name__ == "__main__":
    KernelApp.launch_instance()
