"""Starts a kernel for `jupyter_client` through `process.child`, so that it has one owner from spawn to reap.

`jupyter_client` finds provisioners by entry points; a manager that already has one does not look. So nothing needs to
be installed for this one to be used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from execd.kernel.spawned import Spawned
from execd.process.child import Child, Program

Fork = Callable[[list[str]], Awaitable[Child]]
"""Starts a command by forking who has it loaded already; raises `OSError`."""


class Provisioner(KernelProvisionerBase):
    """The process of one kernel, as its manager sees it."""

    spawned: Spawned | None = None
    fork: Fork | None = None

    @property
    def has_process(self) -> bool:
        """Whether a process was started."""
        return self.spawned is not None

    def started(self) -> Spawned:
        """Return the process."""
        if self.spawned is None:
            raise RuntimeError("the kernel was not launched")
        return self.spawned

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file and return what to launch."""
        manager: Any = self.parent
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=manager.format_kernel_cmd(), **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the process; raises `OSError`."""
        program = Program(argv=cmd, environment=kwargs["env"], directory=kwargs["cwd"])
        self.spawned = Spawned(program if self.fork is None else await self.fork(cmd))
        return self.connection_info

    async def poll(self) -> int | None:
        """Return None while the process lives."""
        return None if self.spawned is None or self.spawned.lives else 0

    async def wait(self) -> int | None:
        """Wait for the exit, by pidfd."""
        if self.spawned is not None:
            await self.spawned.exited()
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel's group."""
        if self.spawned is not None:
            self.spawned.signal_group(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        """Kill the group and reap."""
        if self.spawned is not None:
            await self.spawned.bury()

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - the same
        """Kill, too: whoever is to end gracefully has been asked by message before."""
        await self.kill()

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - the same
        """Leave the process to its owner."""


class _OneSpec(KernelSpecManager):
    """The kernelspec that we have made, whatever is installed."""

    spec: KernelSpec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return it."""
        return self.spec


def manager(
    argv: list[str],
    *,
    language: str,
    transport: str,
    files: str,
    context: zmq.asyncio.Context,
    fork: Fork | None = None,
) -> tuple[AsyncKernelManager, Provisioner]:
    """Return a manager for one kernel and the provisioner in it; `files` begins the paths of its sockets and file."""
    specs = _OneSpec()
    specs.spec = KernelSpec(argv=argv, display_name=language, language=language)
    made = AsyncKernelManager(
        kernel_name=language, kernel_spec_manager=specs, context=context, connection_file=f"{files}.json"
    )
    made.transport = transport
    if transport == "ipc":
        made.ip = files
    provisioner = Provisioner(kernel_id=language, kernel_spec=specs.spec, parent=made)
    provisioner.fork = fork
    made.provisioner = provisioner
    return made, provisioner
