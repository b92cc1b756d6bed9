"""Starts ipykernel so that it loses nothing; the sandbox's own Python runs this, and need not know the daemon.

ipykernel drops what it publishes beyond the thousand messages that its peer has not taken yet, a whole flush of output
for half a character in it, and an interrupt that comes while it makes ready to run a cell. When it leaves, one thread
of it may wait ten seconds for another that is gone.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

# What lies beside this file is not meant by anybody's imports but ours; the working directory takes its place later.
if getattr(sys.flags, "safe_path", False):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from adopt_python import Adoption, Freshness
from output_python import Streams
from positions_python import keep_positions
from rich_python import install
from wire_python import take_wire

del sys.path[0]
freshness = Freshness()

from ipykernel.iostream import OutStream  # noqa: E402
from ipykernel.kernelapp import IPKernelApp  # noqa: E402

LAST_OUTPUT_S = 1.0


def forgiving(pack: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Return `pack`, which makes JSON of a part of a message, with escapes for what UTF-8 cannot hold."""

    def packed(value: Any) -> bytes:
        try:
            return pack(value)
        except UnicodeEncodeError:
            return json.dumps(value, default=str).encode()

    return packed


class Interrupts:
    """Keeps an interrupt that comes before the code of its cell until that code is run; installed over a kernel."""

    def __init__(self, kernel: Any) -> None:
        self._pending = False
        self._prepare = kernel.pre_handler_hook
        self._run_code = kernel.shell.run_code
        # The objects keep their classes: libraries look at the names of those to know where they are.
        kernel.pre_handler_hook = self.prepare
        kernel.shell.run_code = self.run_code

    def prepare(self) -> None:
        """Take note of interrupts from here on."""
        self._prepare()
        self._pending = False
        signal.signal(signal.SIGINT, self._note)

    async def run_code(self, *args: Any, **options: Any) -> Any:
        """Run a part of a cell, or be interrupted by what came before it."""
        if signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt
        return await self._run_code(*args, **options)

    def _note(self, *_: object) -> None:
        self._pending = True


class KernelApp(IPKernelApp):
    """The same, with an output channel that keeps everything, and no interrupt lost."""

    def init_iopub(self, context: Any) -> None:
        """Make the output channel."""
        context.sndhwm = 0
        self.session.pack = forgiving(self.session.pack)
        make: Any = super().init_iopub  # of which ipykernel does not say the types
        make(context)
        take_wire(self)

    def init_io(self) -> None:
        """Make the streams."""
        if hasattr(OutStream, "set_thread_parent"):
            self.capture_fd_output = False
        make: Any = super().init_io
        make()
        self.streams = Streams(self)

    def init_kernel(self) -> None:
        """Make the kernel."""
        make: Any = super().init_kernel
        make()
        Interrupts(self.kernel)
        self.streams.install(self.kernel)
        install(self.kernel.shell)
        keep_positions(self.kernel.shell)
        Adoption(self, freshness)

    def start(self) -> None:
        """Serve until asked to leave; then let the thread that was asked finish, while there is one to send output."""
        serve: Any = super().start
        try:
            serve()
        finally:
            control = getattr(self, "control_thread", None)
            if control is not None and control.is_alive():
                control.stop()
                control.join(LAST_OUTPUT_S)


if __name__ == "__main__":
    KernelApp.launch_instance()
