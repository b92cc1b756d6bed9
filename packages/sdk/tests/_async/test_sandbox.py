"""Getting a sandbox, and leaving it."""

from __future__ import annotations

import gc

import pytest

from opensandbox import Sandbox
from opensandbox.exceptions import (
    ExecdNotReadyException,
    ForbiddenOriginException,
    NotSupportedException,
    UnauthorizedException,
)

from ..worlds import Incoming, Wire, complete, cutting_proxy, fake_daemon, init


async def test_every_request_carries_token_and_headers() -> None:
    with fake_daemon() as daemon:
        daemon.runs(init(), complete())
        async with await Sandbox.connect(daemon.url, access_token="secret", headers={"X-Team": "7"}) as sandbox:
            await sandbox.commands.run("x")
        assert {request.headers["x-execd-access-token"] for request in daemon.requests} == {"secret"}
        assert {request.headers["x-team"] for request in daemon.requests} == {"7"}


async def test_the_environment_names_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_daemon() as daemon:
        monkeypatch.setenv("EXECD_ENDPOINT", daemon.url)
        monkeypatch.setenv("EXECD_ACCESS_TOKEN", "secret")
        async with await Sandbox.connect() as sandbox:
            assert sandbox.get_endpoint() == daemon.url
        assert daemon.requests[0].headers["x-execd-access-token"] == "secret"


async def test_proxies_of_the_environment_are_not_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with fake_daemon() as daemon:
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert await sandbox.is_healthy()


async def test_a_proxy_of_the_environment_needs_no_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with fake_daemon() as daemon:
        monkeypatch.setenv("http_proxy", daemon.url.removeprefix("http://"))
        async with await Sandbox.connect("http://elsewhere.invalid:7") as sandbox:
            assert await sandbox.is_healthy()
        assert {request.headers["host"] for request in daemon.requests} == {"elsewhere.invalid:7"}


async def test_a_proxy_that_cannot_be_used_is_a_value_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(ValueError, match="all_proxy"):
        await Sandbox.connect("http://elsewhere.invalid:7")


async def test_a_path_prefix_is_kept() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/boxes/7", lambda _, wire: wire.reply(200, b"{}"))
        daemon.on("GET", "/boxes/7/version", lambda _, wire: wire.refuse(404, "ROUTE_NOT_FOUND"))
        async with await Sandbox.connect(daemon.url + "/boxes/7/") as sandbox:
            assert sandbox.get_endpoint() == daemon.url + "/boxes/7"
        assert [request.path for request in daemon.requests] == ["/boxes/7/ready", "/boxes/7/version"]


async def test_a_wrong_token_shows_at_once() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/version", lambda _, wire: wire.refuse(401, "UNAUTHORIZED"))
        with pytest.raises(UnauthorizedException):
            await Sandbox.connect(daemon.url, access_token="wrong")


async def test_a_daemon_that_refuses_this_origin_is_not_waited_for() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/ready", lambda _, wire: wire.refuse(403, "FORBIDDEN_ORIGIN"))
        with pytest.raises(ForbiddenOriginException):
            await Sandbox.connect(daemon.url)


async def test_connecting_waits_until_the_daemon_takes_work() -> None:
    with fake_daemon() as daemon:

        def soon(_: Incoming, wire: Wire) -> None:
            if len(daemon.seen("GET", "/ready")) < 4:
                wire.refuse(503, "EXECD_NOT_READY", waiting_for=["state"])
            else:
                wire.reply()

        daemon.on("GET", "/ready", soon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert (await sandbox.version()).version == "9"


async def test_a_daemon_that_is_not_ready_in_time_says_what_it_waited_for() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/ready", lambda _, wire: wire.refuse(503, "EXECD_NOT_READY", waiting_for=["state"]))
        with pytest.raises(ExecdNotReadyException, match=r"was not ready after .* waiting for state") as caught:
            await Sandbox.connect(daemon.url, ready_timeout=0.1)
    assert caught.value.error.details["waiting_for"] == ["state"]


async def test_an_address_where_nobody_listens_is_not_ready() -> None:
    with fake_daemon() as daemon:
        url = daemon.url
    with pytest.raises(ExecdNotReadyException, match="could not connect"):
        await Sandbox.connect(url, ready_timeout=0.1)


# The HTTP library's synchronous half does not close a Unix socket that it could not connect; the interpreter does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_socket_that_is_not_there_is_not_ready() -> None:
    with pytest.raises(ExecdNotReadyException, match="could not connect"):
        await Sandbox.connect("http+unix://%2Fnope%2Fx.sock", ready_timeout=0)
    gc.collect()


async def test_health_is_about_this_moment() -> None:
    with fake_daemon() as daemon:
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert await sandbox.is_healthy()
            daemon.on("GET", "/ping", lambda _, wire: wire.refuse(500, "RUNTIME_ERROR"))
            assert not await sandbox.is_healthy()
        assert len(daemon.seen("GET", "/ping")) == 2


async def test_a_port_inside_has_a_url_where_the_daemon_can_pass_on() -> None:
    with fake_daemon() as daemon:
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(NotSupportedException):
                sandbox.get_endpoint(8000)
    with fake_daemon(features=["proxy"]) as daemon:
        async with await Sandbox.connect(daemon.url) as sandbox:
            assert sandbox.get_endpoint(8000) == daemon.url + "/proxy/8000"


async def test_a_closed_sandbox_says_so() -> None:
    with fake_daemon() as daemon:
        sandbox = await Sandbox.connect(daemon.url)
        await sandbox.aclose()
        await sandbox.aclose()
        with pytest.raises(ValueError, match="closed"):
            await sandbox.commands.run("x")


async def test_reads_survive_a_connection_that_breaks() -> None:
    with fake_daemon() as daemon, cutting_proxy(("127.0.0.1", daemon.port)) as proxy:
        async with await Sandbox.connect(proxy.url) as sandbox:
            proxy.drop()
            proxy.cuts = iter([0, 10])
            assert (await sandbox.version()).version == "9"
        assert proxy.connections == 4
