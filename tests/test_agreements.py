"""Figures that the daemon and the SDK have each of their own, and that fit only together."""

from __future__ import annotations

from types import ModuleType

import pytest

from execd.__main__ import KEEP_ALIVE_S
from execd.settings import Settings
from opensandbox._async import connections as of_async
from opensandbox._core import calls
from opensandbox._core.config import Config, parse_endpoint
from opensandbox._core.request import SILENCE_S
from opensandbox._sync import connections as of_sync

every_colour = pytest.mark.parametrize("connections", [of_async, of_sync], ids=["async", "sync"])


@every_colour
def test_the_sdk_closes_an_idle_connection_before_the_daemon_does(connections: ModuleType) -> None:
    assert connections._LIMITS.keepalive_expiry == connections._KEEPALIVE_S
    assert connections._KEEPALIVE_S < KEEP_ALIVE_S / 2


@every_colour
def test_the_sdk_connects_within_ten_seconds_and_bears_thirty_of_silence(connections: ModuleType) -> None:
    made = connections.Connections(Config(endpoint=parse_endpoint("http://127.0.0.1:1")))
    start = calls.run_command("true", execution_id="a1", features=frozenset()).start
    limits = made._message(start, None).extensions["timeout"]
    assert (limits["connect"], limits["read"]) == (10.0, 30.0)
    assert calls.STOP_SILENCE_S > SILENCE_S > Settings().heartbeat_s
