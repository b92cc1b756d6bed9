"""Plain HTTP: what is sent, and what goes wrong told as `Broken`."""

from __future__ import annotations

import asyncio

import pytest

from execd_conformance.broken import Broken
from execd_conformance.raw import Params, Raw

from . import odd


class Echo:
    """Keeps the requests that came."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        self.heads.append(request.decode())
        writer.write(odd.head("200 OK", "application/json", length=2) + b"{}")


async def sent(path: str | bytes, *, url: str = "", params: Params | None = None) -> str:
    echo = Echo()
    with odd.serving(echo) as there:
        raw = Raw(there.url + url, None)
        reply = await raw.request("GET", path, **({} if params is None else {"params": params}))  # type: ignore[arg-type]
        await raw.aclose()
    assert (reply.status, reply.json()) == (200, {})
    return echo.heads[0].splitlines()[0].split(" ")[1]


@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("/a", None, "/a"),
        (b"/a%FF//b?x=%00", None, "/a%FF//b?x=%00"),
        ("/a?b=c", {"d": "e f"}, "/a?b=c&d=e%20f"),
        ("/a", {"path": ["x", "y"], "n": 1, "yes": True}, "/a?path=x&path=y&n=1&yes=true"),
        ("/a", [("b", b"\xff")], "/a?b=%FF"),
        ("/ü", None, "/%C3%BC"),
    ],
)
async def test_a_path_is_sent_as_it_is_written(path: str | bytes, params: Params | None, target: str) -> None:
    assert await sent(path, params=params) == target


async def test_a_url_may_have_a_path_before_it() -> None:
    assert await sent("/ping", url="/prefix/") == "/prefix/ping"


async def test_the_token_is_sent_unless_another_or_none_is_asked_for() -> None:
    echo = Echo()
    with odd.serving(echo) as there:
        raw = Raw(there.url, "mine")
        await raw.request("GET", "/")
        await raw.request("GET", "/", token="other")
        await raw.request("GET", "/", token=None)
        await raw.aclose()
    tokens = [[line for line in head.splitlines() if line.lower().startswith("x-execd")] for head in echo.heads]
    assert [each[0].partition(": ")[2] if each else None for each in tokens] == ["mine", "other", None]


async def test_json_null_is_sent_and_absent_is_not() -> None:
    echo = Echo()
    with odd.serving(echo) as there:
        raw = Raw(there.url, None)
        await raw.request("POST", "/", json=None)
        await raw.request("POST", "/")
        await raw.aclose()
    assert "content-length: 4" in echo.heads[0].lower()
    assert "content-length: 0" in echo.heads[1].lower()


@pytest.mark.parametrize("answer", [odd.resets, odd.no_http, odd.half, odd.silent], ids=lambda f: f.__name__)
async def test_what_breaks_is_told_with_what_was_expected(answer: odd.Answer) -> None:
    with odd.serving(answer) as there:
        raw = Raw(there.url, None)
        with pytest.raises(Broken, match=r"^an answer to GET /x within 0\.5 s was expected, "):
            await raw.request("GET", "/x", timeout_s=0.5)
        await raw.aclose()


async def test_a_trickle_ends_at_its_limit() -> None:
    with odd.serving(odd.trickles) as there:
        raw = Raw(there.url, None)
        with pytest.raises(Broken, match=r"within 0\.3 s"):
            await raw.request("GET", "/x", timeout_s=0.3)
        with pytest.raises(Broken, match="was to end in time"):
            await raw.events("GET", "/x", timeout_s=0.3)
        await raw.aclose()


async def test_bare_objects_are_read_as_a_foreign_stream() -> None:
    with odd.serving(odd.bare_json) as there:
        raw = Raw(there.url, None)
        async with raw.stream("POST", "/command", json={"command": "x"}) as stream:
            events = [event async for event in stream]
        ran = await raw.run("x")
        await raw.aclose()
    assert [event.type for event in events] == ["init", "stdout", "execution_complete"]
    assert (stream.foreign, stream.clean_end, stream.unfinished, stream.problem) == (True, True, False, None)
    assert stream.events == events
    assert (ran.id, ran.stdout, ran.exit_code) == ("x1", "hi\n", 0)


async def test_what_is_no_stream_is_a_problem() -> None:
    with odd.serving(odd.html) as there:
        raw = Raw(there.url, None)
        async with raw.stream("POST", "/command", json={}) as stream:
            assert stream.problem is not None
            assert [event async for event in stream] == []
        with pytest.raises(Broken, match="was to give a stream of events, 200 text/html"):
            await raw.events("POST", "/command", json={})
        await raw.aclose()


async def test_a_stream_that_is_cut_says_so() -> None:
    async def cut(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(odd.head("200 OK", "text/event-stream", length=1000) + b'id: 1\ndata: {"type":"init"}\n\ndata: {')

    with odd.serving(cut) as there:
        raw = Raw(there.url, None)
        async with raw.stream("GET", "/x") as stream:
            await stream.until(lambda event: event.type == "init")
            rest = [event.raw async for event in stream]
            with pytest.raises(Broken, match=r"ended before an event that was waited for; the last of 2 events was \{"):
                await stream.until(lambda event: event.type == "error")
        await raw.aclose()
    assert (rest, stream.clean_end, stream.unfinished) == (["{"], False, True)
    assert "RemoteProtocolError" in stream.cut


async def test_an_event_that_does_not_come_is_waited_for_so_long() -> None:
    with odd.serving(odd.trickles) as there:
        raw = Raw(there.url, None)
        async with raw.stream("GET", "/x") as stream:
            with pytest.raises(Broken, match=r"did not come within 0\.2 s"):
                await stream.until(lambda event: True, limit_s=0.2)
            await stream.leave()
        await raw.aclose()
