"""The composition root: every service is made here, once, and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from execd import http
from execd.files.places import Places
from execd.files.service import Files
from execd.http.auth import Access
from execd.http.body import Arrivals
from execd.http.services import Activity, Services
from execd.http.signing import Signer
from execd.kernel.home import kernels_dirs
from execd.kernel.room import Code
from execd.kernel.spec import ALIASES
from execd.kernel.surroundings import KernelSettings, Surroundings
from execd.metrics import cgroup
from execd.metrics.sampler import Sampler, reader
from execd.process.clearing import clear
from execd.process.command import Commands, CommandSettings
from execd.process.environment import read_file
from execd.process.groups import Controller, Place
from execd.process.limits import Limits
from execd.process.members import INSTANCE, MARK
from execd.process.newcomers import Newcomers
from execd.process.sessions import Sessions
from execd.process.sweep import Survey, kill_orphans
from execd.runs.clock import Clock
from execd.runs.registry import Registry, Retention
from execd.runs.spool import Spool
from execd.settings import Settings, SettingsError, UsageError, default_state_dir, pool_sizes
from execd.versions.number import matches, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """The application, and what its owner has to say to it."""

    app: http.App
    services: Services
    commands: Commands
    sessions: Sessions
    limits: Limits
    instance: str
    """By which what this daemon has started is told from what others have."""

    async def close(self) -> None:
        """Stop every run and refuse what has not arrived; returns when all runs have ended and left nothing."""
        self.services.waiting_for.add("shutdown")
        self.services.arrivals.close()
        self.services.metrics.close()
        try:
            # Together: a kernel that is killed for a cell of its own must not be replaced meanwhile.
            await asyncio.gather(self.services.registry.close(), self.services.code.close())
            await self.sessions.close()
            await self.services.files.uploads.close()
        finally:
            # No guard may be there to do it; also when the time for all this is over.
            kill_orphans(self.instance)
        await self.limits.close()


def build(
    settings: Settings,
    *,
    environment: Mapping[str, str],
    root: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Daemon:
    """Return the daemon of these settings; raises `SettingsError`.

    Runs start from `environment` and remain below the process `root`, if that is a subreaper. `note` is told of what
    somebody has to remove when the daemon cannot.
    """
    instance = uuid.uuid4().hex
    environment = {**environment, INSTANCE: instance}
    clock = Clock(wall_ms=lambda: time.time_ns() // 1_000_000, mono_ms=lambda: time.monotonic_ns() // 1_000_000)
    registry = Registry(retention=_retention(settings), spool=Spool(_state_dir(settings)), clock=clock)
    working_root = _working_root(settings)
    metrics = Sampler(disk_path=working_root)
    metrics.start()
    limits = Limits(_places, note=note, root=root)
    memory_kills = limits.elsewhere(metrics.memory_kills) if metrics.counts_below else metrics.memory_kills
    commands = Commands(
        registry,
        _command_settings(settings, working_root),
        environment,
        root=root,
        memory_kills=memory_kills,
        limits=limits,
    )
    sessions = Sessions(
        registry,
        _command_settings(settings, working_root),
        environment,
        limit=settings.max_sessions,
        root=root,
        memory_kills=memory_kills,
        runtime_dirs=_runtime_dirs(settings),
    )
    services = Services(
        registry=registry,
        commands=commands,
        sessions=sessions,
        code=Code(
            registry,
            _kernel_settings(settings, working_root, environment),
            _surroundings(settings, environment, root, memory_kills, metrics),
        ),
        files=Files(Places(root=working_root, environment=environment), registry),
        metrics=metrics,
        access=_access(settings),
        signer=Signer(time.time),
        arrivals=Arrivals(timeout_s=settings.body_timeout_s, max_bytes=settings.max_body_bytes),
        activity=Activity(time.monotonic),
        heartbeat_s=settings.heartbeat_s,
        now_ms=clock.wall_ms,
    )
    return Daemon(
        app=http.build(services),
        services=services,
        commands=commands,
        sessions=sessions,
        limits=limits,
        instance=instance,
    )


def _retention(settings: Settings) -> Retention:
    return Retention(
        run_bytes=settings.retention_bytes,
        total_bytes=settings.retention_total_bytes,
        keep_s=settings.retention_s,
        keep_count=settings.retention_count,
        max_live=settings.max_executions,
    )


def _working_root(settings: Settings) -> str:
    root = os.path.abspath(settings.working_root or ".")
    if not os.path.isdir(root):
        raise SettingsError(f"--working-root {root} is not a directory")
    return root


def _command_settings(settings: Settings, working_root: str) -> CommandSettings:
    return CommandSettings(
        shell=settings.shell,
        working_root=working_root,
        kill_grace_ms=settings.kill_grace_ms,
        drain_grace_ms=settings.drain_grace_ms,
        envs_file=settings.envs,
    )


def _kernel_settings(settings: Settings, working_root: str, environment: Mapping[str, str]) -> KernelSettings:
    return KernelSettings(
        working_root=working_root,
        runtime_dirs=_runtime_dirs(settings),
        kill_grace_ms=settings.kill_grace_ms,
        max_contexts=settings.max_contexts,
        default_language=settings.default_language,
        context_idle_s=settings.context_idle_s,
        preferred=_preferred(settings),
        kernels_dirs=kernels_dirs(settings.kernels_dir, environment),
        on_path=_on_path(settings),
        pool=_pool(settings),
        pool_lazy=settings.pool_lazy,
    )


def _on_path(settings: Settings) -> frozenset[str]:
    # The daemon's own Python will do where it is of the version that was asked for.
    wish = parse(settings.python_version) if settings.python_version else None
    return frozenset() if wish is None or matches(wish, sys.version_info[:3]) else frozenset({"python"})


def _preferred(settings: Settings) -> tuple[tuple[str, str], ...]:
    pairs = [entry.partition("=") for entry in settings.kernels]
    for language, _, kernel in pairs:
        if language not in ALIASES or not kernel:
            raise UsageError(f"--kernels: it is language=kernel, and {language[:32]!r} names no language, or no kernel")
    return tuple((ALIASES[language], kernel) for language, _, kernel in pairs)


def _pool(settings: Settings) -> dict[str, int]:
    sizes = pool_sizes(settings)
    if unknown := [language for language in sizes if language not in ALIASES]:
        raise UsageError(f"--pool: there is no language {unknown[0][:32]!r}")
    return {ALIASES[language]: size for language, size in sizes.items()}


def _surroundings(
    settings: Settings,
    environment: Mapping[str, str],
    root: int | None,
    memory_kills: Callable[[], int],
    metrics: Sampler,
) -> Surroundings:
    survey = Survey(root=root)

    def environment_of(envs: Mapping[str, str], mark: str) -> dict[str, str]:
        from_file = read_file(settings.envs, environment=environment)
        return {**environment, **from_file, **envs, MARK: mark}

    return Surroundings(
        environment=environment_of,
        clear=partial(clear, survey=survey, grace_s=settings.kill_grace_ms / 1000),
        newcomers=lambda child, mark: Newcomers(child, mark, survey),
        memory_kills=memory_kills,
        memory_left=lambda: 1 - (metrics.latest.mem_used_pct or 0) / 100,
    )


def _places() -> dict[Controller, Place]:
    """Return the daemon's own groups, as they are now."""
    found = cgroup.places(reader(""))
    wanted: tuple[Controller, ...] = ("memory", "pids")
    return {name: Place(found[name].version, found[name].own) for name in wanted if name in found}


def _access(settings: Settings) -> Access:
    return Access(
        tokens=settings.access_token,
        origins=frozenset(origin.lower() for origin in settings.allow_origin),
        hosts=frozenset(host.lower() for host in settings.allow_host),
        # Service names must work where original deployments listen on an address of their own without a token.
        any_host=settings.insecure and settings.host is not None,
    )


def _runtime_dirs(settings: Settings) -> tuple[str, ...]:
    return tuple(path for path in (_state_dir(settings), "/run") if path)


def _state_dir(settings: Settings) -> str | None:
    """Return a private directory that can be written to, or None: then output stays in memory, within lower bounds."""
    path = settings.state_dir or default_state_dir()
    if path is None:
        return None
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        if settings.state_dir is not None:
            raise SettingsError(f"cannot use --state-dir {path}: {error.strerror}") from error
        return None
    return path if os.access(path, os.W_OK | os.X_OK) else None
