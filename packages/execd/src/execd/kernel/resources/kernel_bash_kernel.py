"""Starts bash_kernel without its pause of 50 ms before each line that it types, and lossless for late readers."""

import importlib
import sys
from typing import Any

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

from ipykernel.kernelapp import IPKernelApp


def hasten(terminal: Any) -> None:
    """Let the terminals of this class be typed into at once."""
    make = terminal.__init__

    def made(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        self.delaybeforesend = None

    terminal.__init__ = made


class KernelApp(IPKernelApp):
    """The same, with an output channel that keeps everything, and a quick end."""

    def init_iopub(self, context: Any) -> None:
        """Make the output channel."""
        context.sndhwm = 0
        make: Any = super().init_iopub  # of which ipykernel does not say the types
        make(context)

    def start(self) -> None:
        """Serve until asked to leave."""
        serve: Any = super().start
        serve()
        control = getattr(self, "control_thread", None)
        if control is not None and control.is_alive():
            control.stop()
            control.join(1)


if __name__ == "__main__":
    hasten(importlib.import_module("pexpect").spawn)
    KernelApp.launch_instance(kernel_class=importlib.import_module("bash_kernel.kernel").BashKernel)
