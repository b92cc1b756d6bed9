"""Start the daemon: guard, settings, sockets, application, server. The only importer of Hypercorn.

Everything heavy is imported in the guard's child, and as late as possible, so that the guard stays small.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    import asyncio
    import socket

    from execd.app import Daemon
    from execd.guard import Handover
    from execd.settings import Settings

START_FAULT: Final = 1
USAGE_FAULT: Final = 2
SWITCH_INTERVAL_S: Final = 0.001
"""How long one thread may hold the interpreter while others wait: file work must not hold up a ping."""
KEEP_ALIVE_S: Final = 75
"""Longer than the SDK keeps an idle connection, so that the client closes first; also the time for a header."""
HEADER_LIMIT: Final = 64 * 1024
"""Hypercorn reads 64 KiB at a time: header blocks up to this are taken, and none over twice of it."""


def main() -> None:
    """Run `execd` as the command line says, and exit."""
    from execd import guard

    _fill_standard_descriptors()
    sys.exit(guard.enter(sys.argv[1:], serve))


def _fill_standard_descriptors() -> None:
    # Whoever closes one gets /dev/null there, or the next pipe or socket would be taken for standard error.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def serve(handover: Handover) -> int:
    """Serve until asked to end (the process is gone then); return an exit status when there is nothing to serve.

    The guard hands over with SIGTERM and SIGINT blocked: a request to end that comes early waits for the event loop.
    """
    from execd import listen
    from execd import settings as options

    if handover.argv and handover.argv[0] in ("kernels", "doctor") and not _said_at_once(handover.argv, options.usage):
        return _inspect(handover)
    if said := _said_at_once(handover.argv, options.usage):
        print(said)
        return 0
    try:
        settings = options.read(handover.argv, tokens=handover.tokens)
        environment, forget = _environment(settings)
        sockets = listen.bind(listen.plan(settings))
        if settings.uds is not None:
            handover.note(settings.uds)
        _run(settings, sockets, handover, environment=environment, forget=forget)
    except options.UsageError as error:
        return _refuse(error, USAGE_FAULT)
    except (options.SettingsError, listen.BindError) as error:
        return _refuse(error, START_FAULT)


def _environment(settings: Settings) -> tuple[dict[str, str], Callable[[], None]]:
    """Return what runs start from, and what removes whatever was made for it."""
    from execd import settings as options
    from execd.kernel.home import kernels_dirs

    environment = options.children_environment(settings)
    wished = (settings.python_version, settings.java_version, settings.node_version, settings.go_version)
    places = kernels_dirs(settings.kernels_dir, environment)
    if not any(wished) and not any(os.path.isdir(f"{kernels}/toolchains") for kernels in places):
        return environment, lambda: None
    from execd.chosen import Chosen

    chosen = Chosen.of(settings)
    return chosen.environment, chosen.close


def _inspect(handover: Handover) -> int:
    from execd import inspection
    from execd import settings as options

    try:
        return inspection.run(handover)
    except options.UsageError as error:
        return _refuse(error, USAGE_FAULT)
    except options.SettingsError as error:
        return _refuse(error, START_FAULT)


def _said_at_once(argv: Sequence[str], usage: Callable[[], str]) -> str:
    from execd import __version__

    if not {"-h", "-help", "--help"}.isdisjoint(argv):
        return usage()
    return "" if {"-version", "--version"}.isdisjoint(argv) else f"execd {__version__}"


def _refuse(error: Exception, status: int) -> int:
    print(f"execd: {error}", file=sys.stderr)
    return status


def _run(
    settings: Settings,
    sockets: list[socket.socket],
    handover: Handover,
    *,
    environment: dict[str, str],
    forget: Callable[[], None],
) -> NoReturn:
    import asyncio
    import logging

    from execd import app, listen, logs
    from execd.process.descriptors import raise_limit

    raise_limit()
    logs.set_up(settings.log_level, json=settings.log_format == "json")
    if listen.is_open(listen.plan(settings)) and not settings.access_token:
        logging.getLogger("execd").warning("listening beyond loopback without a token: anyone may run commands")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if (port := listen.tcp_port(sockets)) is not None:
        # Deployed clients of code interpreters take a port that answers for a Jupyter server that is up.
        environment["JUPYTER_PORT"] = str(port)
    daemon = app.build(settings, root=os.getppid(), environment=environment, note=handover.note)

    async def close() -> None:
        await daemon.close()
        forget()

    def leave() -> NoReturn:
        # Nothing is left to be saved, and what is left to wait for (threads, clients) may never come.
        os._exit(0)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, sockets, daemon, guard_fd=handover.guard_fd, close=close, leave=leave))
        leave()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(
    settings: Settings,
    sockets: list[socket.socket],
    daemon: Daemon,
    *,
    guard_fd: int,
    close: Callable[[], Coroutine[Any, Any, None]],
    leave: Callable[[], NoReturn],
) -> None:
    from hypercorn.asyncio import serve as serve_http

    from execd.ending import Ending, end

    ending = Ending()

    async def until_ended() -> None:
        # Hypercorn calls this when it listens, and stops serving when it returns.
        _say_ready(sockets)
        daemon.services.code.fill()
        await ending.asked()
        await end(close, kill_grace_s=settings.kill_grace_ms / 1000, leave=leave)

    ending.watch_signals()
    ending.watch_descriptor(guard_fd, "guard")
    if settings.lifeline_fd is not None:
        ending.watch_descriptor(settings.lifeline_fd, "lifeline")
    if settings.lease_s:
        ending.watch_lease(lambda: daemon.services.activity.idle_s, settings.lease_s)
    _close_when_clients_do()
    app: Any = daemon.app  # Starlette's types of ASGI are wider than Hypercorn's.
    await serve_http(app, _http_config(sockets), shutdown_trigger=until_ended)


def _say_ready(sockets: list[socket.socket]) -> None:
    import contextlib
    import json

    from execd import __version__, listen

    line = {"event": "ready", "url": listen.url(sockets), "pid": os.getpid(), "version": __version__}
    with contextlib.suppress(OSError):  # Whoever started the daemon may not want to know.
        os.write(1, json.dumps(line, separators=(",", ":")).encode() + b"\n")


def _close_when_clients_do() -> None:
    import hypercorn.asyncio.run
    from hypercorn.asyncio.tcp_server import TCPServer

    class Connection(TCPServer):
        """Hypercorn itself keeps the descriptor of a connection that its client has closed till the keep-alive ends."""

        async def _read_data(self) -> None:
            await super()._read_data()
            await self.idle_task.stop()

        async def _idle_timeout(self) -> None:
            if not self.reader.at_eof():
                await super()._idle_timeout()

    # There is no other way in: `serve` names the class itself. A test counts descriptors.
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]


def _http_config(sockets: list[socket.socket]) -> Any:
    import logging

    from hypercorn.config import Config, Sockets

    from execd.listen import BACKLOG

    class OwnSockets(Config):
        def create_sockets(self) -> Sockets:
            # Hypercorn's own `fd://` would make them inheritable again.
            return Sockets([], sockets, [])

    config = OwnSockets()
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = sys.maxsize
    config.h11_max_incomplete_size = HEADER_LIMIT
    config.graceful_timeout = KEEP_ALIVE_S  # `ending.end` sets the limit.
    config.backlog = BACKLOG
    return config


if __name__ == "__main__":
    main()
