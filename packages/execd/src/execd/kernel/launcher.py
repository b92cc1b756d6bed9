"""Starts the kernels of contexts: where, with what, and with which program."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import zmq
import zmq.asyncio

from execd.directory import Directory
from execd.errors import InternalFault, InvalidRequestBody, PermissionDenied
from execd.kernel.anykernel import AnyKernel, KernelFailed
from execd.kernel.channels import make_context
from execd.kernel.context import Context, Setting
from execd.kernel.interpreter import Interpreter
from execd.kernel.kernel import Kernel
from execd.kernel.languages import Languages
from execd.kernel.launch import Launch
from execd.kernel.live import LiveShell
from execd.kernel.pool import Means, Pool
from execd.kernel.shelljob import ShellLaunch
from execd.kernel.spec import Spec
from execd.kernel.specs import SPECS
from execd.kernel.surroundings import KernelSettings, Surroundings
from execd.kernel.worker import WorkerKernel, WorkerLaunch
from execd.paths import absolute
from execd.process.child import Program

_log: Final = logging.getLogger("execd.kernel")


class Launcher:
    """Starts kernels; what they share (a directory for sockets, a thread for all of them) is made for the first."""

    def __init__(self, settings: KernelSettings, surroundings: Surroundings, languages: Languages) -> None:
        self._root = settings.working_root
        self._limit_s = settings.start_limit_s
        self._surroundings = surroundings
        self._languages = languages
        self._files = Directory(settings.runtime_dirs)
        self._zmq: zmq.asyncio.Context | None = None
        self._lazy = settings.pool_lazy
        self._pools = {spec.kernel: self._pool(spec, size) for spec, size in _pooled(settings.pool)}

    def directory(self, cwd: str | None, envs: Mapping[str, str]) -> str:
        """Return where a context's code starts, made if need be; raises `InvalidRequestBody`, `PermissionDenied`."""
        if not cwd:
            return self._root
        directory = absolute(cwd, root=self._root, environment=self._surroundings.environment(envs, ""))
        printable = directory.encode(errors="replace").decode()
        try:
            os.makedirs(directory, exist_ok=True)
        except PermissionError:
            raise PermissionDenied(f"cwd: {printable} may not be made", details={"field": "cwd"}) from None
        except OSError as error:
            message = f"cwd: {printable} is no directory and cannot be made one: {error.strerror}"
            raise InvalidRequestBody(message, details={"field": "cwd"}) from None
        return directory

    async def start(self, setting: Setting, context: Context) -> AnyKernel:
        """Return a kernel that is up; raises `KernelFailed`."""
        try:
            found = await self._languages.interpreter(setting.spec, setting.envs)
        except InternalFault as fault:
            raise KernelFailed(fault.message) from None
        if found is None:
            raise KernelFailed(f"{setting.spec.kernel} is not installed any more")
        try:
            if setting.spec.driver == "shell":
                return await LiveShell.start(self._shell(setting, found.path), context)
            if setting.spec.driver == "worker":
                return await WorkerKernel.start(self._worker(setting, found), context)
            launch = self._launch(setting, found)
            pool = self._pools.get(setting.spec.kernel)
            return await (pool.start(launch, context) if pool else Kernel.start(launch, context))
        except KernelFailed:
            self._languages.doubt(found)
            raise
        except (OSError, zmq.ZMQError) as error:
            raise KernelFailed(f"the kernel did not start: {error.strerror or error}") from None

    def fill(self) -> None:
        """Begin to keep kernels ready, where that does not wait for the first use."""
        if not self._lazy:
            for pool in self._pools.values():
                pool.fill()

    def ready(self, language: str) -> tuple[int, int]:
        """Return how many kernels of a language stand ready, and the memory that is held for each."""
        pools = [self._pools[spec.kernel] for spec in SPECS[language] if spec.kernel in self._pools]
        return (pools[0].warm, pools[0].bytes_each()) if pools else (0, 0)

    async def close(self) -> None:
        """Give back what the kernels shared, and end those that nobody has."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        if self._zmq is not None:
            self._zmq.destroy(linger=0)
            self._zmq = None
        self._files.remove()

    def _shell(self, setting: Setting, interpreter: str) -> ShellLaunch:
        return ShellLaunch(
            program=self._program(setting, [], executable=interpreter),
            place=self._files.name(),
            limit_s=self._limit_s,
            memory_kills=self._surroundings.memory_kills,
            newcomers=lambda child: self._surroundings.newcomers(child, setting.id),
        )

    def _worker(self, setting: Setting, found: Interpreter) -> WorkerLaunch:
        return WorkerLaunch(
            program=self._program(setting, found.command(setting.spec)),
            limit_s=self._limit_s,
            memory_kills=self._surroundings.memory_kills,
        )

    def _program(self, setting: Setting, argv: Sequence[str], *, executable: str | None = None) -> Program:
        # The directory was there once; code may have removed it.
        os.makedirs(setting.directory, exist_ok=True)
        environment = self._surroundings.environment(setting.envs, setting.id)
        return Program(
            argv=argv,
            executable=executable,
            environment={**setting.spec.envs, **environment, "PWD": setting.directory, **setting.envs},
            directory=setting.directory,
        )

    def _pool(self, spec: Spec, size: int) -> Pool:
        async def launch() -> Launch | None:
            served = await self._languages.spec(spec.language, {})
            found = await self._languages.interpreter(spec, {}) if served.kernel == spec.kernel else None
            nobody = Setting(id=uuid.uuid4().hex, spec=spec, directory=self._root, envs={})
            return None if found is None else self._launch(nobody, found)

        if spec.adoptable is None:
            raise ValueError(spec.kernel)
        means = Means(launch=launch, files=self._files.name, memory_left=self._surroundings.memory_left)
        return Pool(spec.adoptable, size, means)

    def _launch(self, setting: Setting, found: Interpreter) -> Launch:
        if self._zmq is None:
            self._zmq = make_context()
        os.makedirs(setting.directory, exist_ok=True)
        environment = self._surroundings.environment(setting.envs, setting.id)
        return Launch(
            spec=setting.spec,
            interpreter=found.path,
            argv=found.command(setting.spec),
            directory=setting.directory,
            # By the first a kernel notices that its daemon is gone, where no guard sees to that.
            environment={
                **setting.spec.envs,
                **environment,
                "JPY_PARENT_PID": str(os.getpid()),
                "PWD": setting.directory,
                **setting.envs,
            },
            files=self._files.name(),
            limit_s=self._limit_s,
            context=self._zmq,
            memory_kills=self._surroundings.memory_kills,
        )


def _pooled(sizes: Mapping[str, int]) -> Iterator[tuple[Spec, int]]:
    for language, size in sizes.items():
        spec = next((spec for spec in SPECS.get(language, ()) if spec.adoptable), None)
        if spec is None:
            _log.warning("no kernel of %s can be kept ready: its contexts wait for their start", language)
        elif size:
            yield spec, size
