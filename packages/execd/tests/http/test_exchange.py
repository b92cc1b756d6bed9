"""One request and its answer: ids, bodies that nobody read, handshakes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.http.answer import Answer
from execd.http.exchange import ClientLeft, Exchange

from .worlds import Wire, scope_of


def exchange_of(wire: Wire, *headers: tuple[str, str], version: str = "1.1") -> Exchange:
    scope = {**scope_of("POST", "/x?y=1", headers), "http_version": version}
    return Exchange(scope, wire.receive, wire.send, fresh_id="fresh")


@given(given_id=st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True))
def test_a_good_request_id_is_kept(given_id: str) -> None:
    assert exchange_of(Wire(), ("X-Request-ID", given_id)).request_id == given_id


@pytest.mark.parametrize("given_id", ["", "a b", "a\n", "é", "a" * 129, "<script>", "a/b"])
def test_any_other_is_replaced(given_id: str) -> None:
    assert exchange_of(Wire(), ("X-Request-ID", given_id)).request_id == "fresh"


async def test_an_answer_carries_the_id_and_its_length() -> None:
    wire = Wire()
    await exchange_of(wire).write(Answer(200, b"{}"))
    assert wire.reply().headers == {"content-type": "application/json", "content-length": "2", "x-request-id": "fresh"}


async def test_no_content_has_no_length() -> None:
    wire = Wire()
    await exchange_of(wire).write(Answer(204))
    assert wire.reply().headers == {"x-request-id": "fresh"}


async def test_an_answer_before_the_end_of_the_body_is_complete_before_the_rest_is_taken_in() -> None:
    wire = Wire([b"half"], complete=False)
    writing = asyncio.ensure_future(exchange_of(wire, ("content-length", "8")).write(Answer(413, b"{}")))
    await wire.until(b"{}")
    assert not wire.ended
    wire.incoming.put_nowait({"type": "http.request", "body": b"rest", "more_body": False})
    async with asyncio.timeout(5):
        await writing
    assert wire.ended


async def test_a_rest_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execd.http.exchange.LINGER_S", 0.01)
    wire = Wire([b"half"], complete=False)
    async with asyncio.timeout(5):
        await exchange_of(wire, ("content-length", "8")).write(Answer(413, b"{}"))
    assert wire.ended


async def test_a_rest_that_comes_for_ever_is_not_taken_in_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execd.http.exchange.LINGER_LONGEST_S", 0.05)
    wire = Wire([b"half"], complete=False)
    writing = asyncio.ensure_future(exchange_of(wire, ("content-length", "8")).write(Answer(413, b"{}")))
    async with asyncio.timeout(5):
        while not writing.done():
            wire.incoming.put_nowait({"type": "http.request", "body": b"x", "more_body": True})
            await asyncio.sleep(0.001)
    assert wire.ended


@pytest.mark.parametrize(("version", "wanted"), [("1.1", "close"), ("1.0", "close"), ("2", None)])
async def test_an_answer_that_ends_the_connection_says_so_where_that_can_be_said(
    version: str, wanted: str | None
) -> None:
    wire = Wire()
    await exchange_of(wire, version=version).write(Answer(408, b"{}", close=True))
    assert wire.reply().headers.get("connection") == wanted


async def test_a_body_ends_once() -> None:
    exchange = exchange_of(Wire([b"a", b"b"]), ("content-length", "2"))
    assert [await exchange.receive_body() for _ in range(4)] == [b"a", b"b", None, None]


async def test_a_request_that_announces_no_body_has_none() -> None:
    assert await exchange_of(Wire([])).receive_body() is None


async def test_a_disconnect_within_the_body_is_told() -> None:
    wire = Wire([b"a"], complete=False)
    wire.leave()
    exchange = exchange_of(wire, ("transfer-encoding", "chunked"))
    assert await exchange.receive_body() == b"a"
    with pytest.raises(ClientLeft):
        await exchange.receive_body()
