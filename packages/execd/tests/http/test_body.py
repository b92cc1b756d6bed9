"""Bodies: strict decoding that names the place, and limits of size and time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd._wire import RunCommandRequest
from execd.errors import BodyTimeout, InvalidRequestBody, PayloadTooLarge, ShuttingDown
from execd.http.body import Arrivals, decode
from execd.http.exchange import ClientLeft, Exchange

from .worlds import Wire, scope_of


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"null", "expected `object`"),
        (b"[]", "expected `object`"),
        (b'{"command":"a","colour":1}', "colour"),
        (b'{"command":5}', "command: "),
        (b'{"command":"a","timeout":"5"}', "timeout: "),
        (b'{"command":"a","timeout":1.5}', "timeout: "),
        (b'{"command":"a","timeout":-1}', "timeout: "),
        (b'{"command":"a","timeout":1e400}', "timeout: "),
        (b'{"command":"a","timeout":' + b"9" * 5000 + b"}", "timeout: "),
        (b'{"command":"a","envs":{"A":1}}', "envs[...]: "),
        (b'{"command":"a","envs":[]}', "envs: "),
        (b'{"command":"a","argv":["a",null]}', "argv[1]: "),
        (b'{"command":"a","output":"words"}', "output: "),
        (b'{"command":"a"} x', "trailing"),
        (b'{"command":"a"}{"command":"b"}', "trailing"),
        (b'{"command":"a"', "one JSON value"),
        (b"\xef\xbb\xbf{}", "one JSON value"),
        (b'{"command":"\xff"}', "UTF-8 at byte 12"),
        (b'{"\xff":"a"}', "UTF-8 at byte 2"),
        (b'{"command":"\\ud800"}', "one JSON value"),
        (b'{"command":"\xed\xa0\x80"}', "UTF-8"),
        (b'{"command":"a\nb"}', "one JSON value"),
        (b'{"envs":' + b"[" * 100_000, "envs: "),
        (b"[" * 100_000, "expected `object`"),
        (b'{"command":NaN}', "one JSON value"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequestBody) as refused:
        decode(body, RunCommandRequest)
    assert words in refused.value.message[:1].lower() + refused.value.message[1:]


def test_the_field_is_given_as_data_too() -> None:
    with pytest.raises(InvalidRequestBody) as refused:
        decode(b'{"timeout":"x"}', RunCommandRequest)
    assert refused.value.details == {"field": "timeout"}


def test_null_for_an_optional_field_means_absent() -> None:
    assert decode(b'{"command":"a","cwd":null,"envs":null}', RunCommandRequest) == RunCommandRequest(command="a")


@given(body=st.binary(max_size=100))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    with suppress(InvalidRequestBody):
        assert isinstance(decode(body, RunCommandRequest), RunCommandRequest)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
fields = st.sampled_from([*RunCommandRequest.__struct_fields__, "unknown"])


@given(value=st.dictionaries(fields, json_values, max_size=4))
def test_any_json_is_decoded_or_refused(value: dict[str, object]) -> None:
    with suppress(InvalidRequestBody):
        assert isinstance(decode(msgspec.json.encode(value), RunCommandRequest), RunCommandRequest)


def exchange_of(wire: Wire, *, length: str | None = None) -> Exchange:
    headers = [("content-length", length)] if length else [("transfer-encoding", "chunked")]
    return Exchange(scope_of("POST", "/command", headers), wire.receive, wire.send, fresh_id="fresh")


@given(pieces=st.lists(st.binary(max_size=10), min_size=1, max_size=6))
def test_a_body_is_whole_however_it_arrives(pieces: list[bytes]) -> None:
    whole = asyncio.run(Arrivals(timeout_s=5, max_bytes=1000).whole(exchange_of(Wire(pieces))))
    assert whole == b"".join(pieces)


async def test_a_body_of_the_limit_is_taken() -> None:
    assert await Arrivals(timeout_s=5, max_bytes=4).whole(exchange_of(Wire([b"1234"]))) == b"1234"


async def test_one_byte_more_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        await Arrivals(timeout_s=5, max_bytes=4).whole(exchange_of(Wire([b"1234", b"5"])))


async def test_an_announced_length_is_refused_before_anything_arrives() -> None:
    with pytest.raises(PayloadTooLarge):
        await Arrivals(timeout_s=5, max_bytes=4).whole(exchange_of(Wire([]), length="5"))


async def test_a_body_that_does_not_arrive_in_time_is_refused() -> None:
    with pytest.raises(BodyTimeout):
        await Arrivals(timeout_s=0.01, max_bytes=10).whole(exchange_of(Wire([b"half"], complete=False)))


async def test_a_client_that_leaves_in_the_middle_is_no_fault() -> None:
    wire = Wire([b"half"], complete=False)
    wire.leave()
    with pytest.raises(ClientLeft):
        await Arrivals(timeout_s=5, max_bytes=10).whole(exchange_of(wire))


async def test_a_half_body_is_given_up_when_the_daemon_goes_down() -> None:
    arrivals = Arrivals(timeout_s=60, max_bytes=10)
    waiting = asyncio.ensure_future(arrivals.whole(exchange_of(Wire([b"half"], complete=False))))
    await asyncio.sleep(0)
    arrivals.close()
    with pytest.raises(ShuttingDown):
        await waiting


async def test_a_half_body_that_begins_after_that_is_refused_too() -> None:
    arrivals = Arrivals(timeout_s=60, max_bytes=10)
    arrivals.close()
    with pytest.raises(ShuttingDown):
        await arrivals.whole(exchange_of(Wire([b"half"], complete=False)))
