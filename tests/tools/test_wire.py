"""Both generated files against the spec: what it allows passes either side unchanged, what it refuses does not."""

from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd import _wire as strict
from execd.runs.ends import End, Totals, terminal_event
from execd.runs.sse import ping_frame, text_frames
from execd.runs.text import NOTHING, Mode, step
from opensandbox import _wire as lenient
from tools import generate_wire

from .values import unhurried, values

SPEC = generate_wire.load_spec()
SCHEMAS = SPEC["components"]["schemas"]
OBJECTS = [name for name, schema in SCHEMAS.items() if "properties" in schema]
EVENTS = [ref.rsplit("/", 1)[-1] for ref in SPEC["components"]["schemas"]["Event"]["discriminator"]["mapping"].values()]
SIDES = [pytest.param(strict, id="strict"), pytest.param(lenient, id="lenient")]
COMMAND = strict.RunCommandRequest


def without_nulls(value: Any, schema: dict[str, Any]) -> Any:
    properties = schema["properties"]
    return {
        key: without_nulls(item, inner) if (inner := object_schema(properties.get(key, {}))) and item else item
        for key, item in value.items()
        if item is not None or key not in properties
    }


def object_schema(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of the struct that a field holds, None where it holds something else."""
    for option in schema.get("anyOf", [schema]):
        named: dict[str, Any] = SCHEMAS.get(option.get("$ref", "").rsplit("/", 1)[-1], {})
        if "properties" in named:
            return named
    return None


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OBJECTS)
@unhurried
@given(data=st.data())
def test_what_the_spec_allows_goes_in_and_out_unchanged(side: ModuleType, name: str, data: st.DataObject) -> None:
    value = data.draw(values(SCHEMAS[name], SCHEMAS))
    decoded = msgspec.json.decode(json.dumps(value).encode(), type=getattr(side, name))
    assert json.loads(msgspec.json.encode(decoded)) == without_nulls(value, SCHEMAS[name])


@pytest.mark.parametrize("name", EVENTS)
@unhurried
@given(data=st.data())
def test_an_event_that_the_daemon_writes_is_read_by_the_sdk_as_the_same_event(name: str, data: st.DataObject) -> None:
    value = data.draw(values(SCHEMAS[name], SCHEMAS))
    written = msgspec.json.encode(msgspec.json.decode(json.dumps(value), type=strict.Event))
    read = msgspec.json.decode(written, type=lenient.Event)
    assert type(read).__name__ == name
    assert json.loads(msgspec.json.encode(read)) == value


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "example"), [(n, e) for n in OBJECTS for e in SCHEMAS[n].get("examples", ())])
def test_every_example_decodes(side: ModuleType, name: str, example: Any) -> None:
    decoded = msgspec.json.decode(json.dumps(example), type=getattr(side, name))
    assert json.loads(msgspec.json.encode(decoded)) == without_nulls(example, SCHEMAS[name])


@pytest.mark.parametrize("name", OBJECTS)
def test_every_schema_has_an_example(name: str) -> None:
    assert SCHEMAS[name]["examples"]


@unhurried
@given(values(SCHEMAS["RunCommandRequest"], SCHEMAS))
def test_null_in_a_request_means_absent(value: dict[str, Any]) -> None:
    with_nulls = dict.fromkeys(SCHEMAS["RunCommandRequest"]["properties"]) | value
    bare = without_nulls(value, SCHEMAS["RunCommandRequest"])
    assert msgspec.convert(with_nulls, COMMAND) == msgspec.convert(bare, COMMAND)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"command":1}', "$.command"),
        ('{"command":"x","nope":1}', "nope"),
        ('{"command":"x","timeout":"5"}', "$.timeout"),
        ('{"command":"x","timeout":true}', "$.timeout"),
        ('{"command":"x","timeout":1.0}', "$.timeout"),
        ('{"command":"x","timeout":-1}', "$.timeout"),
        ('{"command":"x","timeout":9007199254740993}', "$.timeout"),
        ('{"command":"x","timeout":99999999999999999999999999}', "$.timeout"),
        ('{"command":"x","uid":4294967295}', "$.uid"),
        ('{"command":"x","background":0}', "$.background"),
        ('{"command":"x","stdin":"other"}', "$.stdin"),
        ('{"command":"x","envs":{"A":null}}', "$.envs"),
        ('{"command":"x","envs":{"A=B":"c"}}', "$.envs"),
        ('{"command":"x","envs":{"":"c"}}', "$.envs"),
        ('{"command":"x","envs":{"A":"\\u0000"}}', "$.envs"),
        ('{"argv":[]}', "$.argv"),
        ('{"argv":["a","\\u0000"]}', "$.argv[1]"),
        ('{"command":" \\n\\t"}', "$.command"),
        ('{"command":"a\\u0000b"}', "$.command"),
        ('{"command":"x","cwd":"\\u0000"}', "$.cwd"),
        ('{"command":"x","user":"\\u0000"}', "$.user"),
        ('{"command":"x","execution_id":"a\\n"}', "$.execution_id"),
        ('{"command":"x","execution_id":""}', "$.execution_id"),
        ('{"command":"x","execution_id":"a.b"}', "$.execution_id"),
        (json.dumps({"command": "x", "execution_id": "a" * 65}), "$.execution_id"),
    ],
)
def test_the_daemon_refuses_a_wrong_field_and_names_it(body: str, place: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(body, type=COMMAND)
    assert place in str(refused.value)


@pytest.mark.parametrize(
    "body", [b"", b"{} x", b"{}{}", b"\xef\xbb\xbf{}", b'{"command":"\\ud800"}', b'{"timeout":NaN}']
)
def test_what_is_not_one_json_value_is_malformed(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body, type=COMMAND)


def test_invalid_utf8_in_a_string_is_no_decode_error() -> None:
    # The trap that execd.http.body and the SDK's decoder know of; when this fails they can become simpler.
    with pytest.raises(UnicodeDecodeError):
        msgspec.json.decode(b'{"command":"\xff"}', type=COMMAND)


def test_the_daemon_holds_a_closed_set_where_the_sdk_lets_a_new_word_through() -> None:
    body = (
        b'{"type":"error","error":{"ename":"a","evalue":"b","traceback":[]},"code":"NEW","cause":"new","timestamp":1}'
    )
    assert msgspec.json.decode(body, type=lenient.ErrorEvent).cause == "new"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=strict.ErrorEvent)


def test_the_sdk_skips_a_field_that_it_does_not_know() -> None:
    body = b'{"type":"init","text":"a","timestamp":1,"new":{"deep":[]}}'
    assert msgspec.json.decode(body, type=lenient.Event) == lenient.InitEvent(text="a", timestamp=1)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"execution_complete","execution_time":3,"timestamp":1}',
        b'{"type":"execution_complete","timestamp":1}',
        b'{"type":"error","error":{"ename":"a","evalue":"1","traceback":null},"timestamp":1}',
    ],
)
def test_the_sdk_reads_what_other_daemons_of_the_api_send(body: bytes) -> None:
    assert msgspec.json.decode(body, type=lenient.Event).timestamp == 1


@pytest.mark.parametrize("side", SIDES)
def test_an_unknown_type_of_event_raises_so_readers_look_at_it_first(side: ModuleType) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"new","timestamp":1}', type=side.Event)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OBJECTS)
def test_structs_are_frozen(side: ModuleType, name: str) -> None:
    assert getattr(side, name).__struct_config__.frozen


# The daemon frames its events by hand, for speed. What it writes is still what the spec says.
def events_of(frames: bytes) -> list[Any]:
    data = [line.removeprefix(b"data: ") for line in frames.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(line, type=strict.Event) for line in data]


@unhurried
@given(
    end=st.builds(
        End,
        cause=st.sampled_from([str(cause) for cause in strict.Cause]),
        code=st.none() | st.sampled_from([str(code) for code in strict.EndCode]),
        exit_code=st.none() | st.integers(0, 255),
        signal=st.none() | st.just("SIGSEGV"),
        traceback=st.tuples(st.text("ab")),
        details=st.none() | st.just({"errno": 2}),
    )
)
def test_the_daemons_terminal_events_are_those_of_the_spec(end: End) -> None:
    totals = Totals(execution_time_ms=1, stdout_bytes=2, stderr_bytes=3, truncated=False, timestamp_ms=4)
    event = terminal_event(end if end.code else replace(end, details=None), totals)
    assert json.loads(msgspec.json.encode(msgspec.convert(event, strict.Event))) == event


@pytest.mark.parametrize("mode", ["lines", "chunks"])
@unhurried
@given(data=st.binary(max_size=40))
def test_the_daemons_output_events_are_those_of_the_spec(mode: Mode, data: bytes) -> None:
    done = step(mode, NOTHING, data)
    frames = b"".join(text_frames(mode, "stderr", done, skip=0, first=2, timestamp_ms=5))
    assert [type(event) for event in events_of(frames)] == [strict.StderrEvent] * len(done.pieces)


def test_the_daemons_heartbeat_is_that_of_the_spec() -> None:
    assert events_of(ping_frame(7)) == [strict.PingEvent(text="pong", timestamp=7)]
