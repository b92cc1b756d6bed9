"""What messages say: results and their strings, streams, displays, and texts that no encoding can hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.kernel.messages import Failure, Message, Output, clean, failure, message, said, text
from execd.runs.sse import encode


def tell(kind: str, **content: Any) -> Any:
    return said(Message(kind, "p", content))


def test_a_message_is_matched_by_the_id_in_its_parent_header() -> None:
    raw = {"msg_type": "status", "parent_header": {"msg_id": "x"}, "content": {"execution_state": "idle"}}
    assert message(raw) == Message("status", "x", {"execution_state": "idle"})
    assert message({**raw, "parent_header": {}}).parent == ""


def test_a_result_is_a_map_of_strings_with_text_beside_text_plain() -> None:
    event = tell("execute_result", data={"text/plain": "4", "text/html": "<b>4</b>"}, metadata={}, execution_count=3)
    assert event == {
        "type": "result",
        "results": {"text/plain": "4", "text/html": "<b>4</b>", "text": "4"},
        "is_main_result": True,
    }


def test_structured_data_is_json_text_in_the_map_and_itself_beside_it() -> None:
    value = {"a": [1, None, "ä"]}
    event = tell("display_data", data={"application/json": value, "application/x+json": "s", "text/plain": "t"})
    assert json.loads(event["results"]["application/json"]) == value
    assert event["results"]["application/x+json"] == '"s"'
    assert event["data"] == {"application/json": value, "application/x+json": "s"}
    assert all(isinstance(result, str) for result in event["results"].values())


def test_displayed_output_is_no_main_result_and_keeps_metadata_and_its_id() -> None:
    metadata = {"image/png": {"width": 3}}
    event = tell("display_data", data={"image/png": "aGk="}, metadata=metadata, transient={"display_id": "d"})
    assert (event["is_main_result"], event["metadata"], event["display_id"]) == (False, metadata, "d")
    assert "update" not in event
    assert "text" not in event["results"]


def test_an_update_says_that_it_is_one() -> None:
    event = tell("update_display_data", data={"text/plain": "2"}, transient={"display_id": "d"})
    assert (event["update"], event["display_id"], event["is_main_result"]) == (True, "d", False)


def test_streams_keep_their_names_and_what_is_not_stderr_is_stdout() -> None:
    assert tell("stream", name="stderr", text="ä") == Output("stderr", "ä".encode())
    assert tell("stream", name="stdout", text="") == Output("stdout", b"")
    assert tell("stream", text="x") == Output("stdout", b"x")


def test_clearing_and_asking_are_passed_on() -> None:
    assert tell("clear_output", wait=True) == {"type": "clear_output", "wait": True}
    assert tell("input_request", prompt="? ", password=True) == {
        "type": "input_request",
        "prompt": "? ",
        "password": True,
    }


@pytest.mark.parametrize("kind", ["status", "comm_open", "comm_msg", "iopub_welcome", "shutdown_reply", "nonsense"])
def test_what_is_not_for_readers_says_nothing(kind: str) -> None:
    assert tell(kind, anything=1) is None


def test_an_error_without_a_name_is_none() -> None:
    assert failure({"status": "error", "execution_count": 1}) is None
    assert failure({"ename": "", "evalue": "2", "traceback": []}) == Failure("", "2", ())
    assert failure({"ename": "E"}) == Failure("E", "", ())


def test_halves_of_a_character_are_joined_and_lone_ones_replaced() -> None:
    assert text("\ud83d\ude00") == "😀"
    assert text("a\ud800b\udc80") == "a\ufffdb\ufffd"


_texts = st.text(st.characters(), max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=10,
)
_kinds = st.sampled_from(
    ["stream", "execute_result", "display_data", "update_display_data", "clear_output", "input_request", "error"]
)
_fields = st.sampled_from(["name", "text", "data", "metadata", "transient", "wait", "prompt", "password", "ename"])


@settings(deadline=None)
@given(_texts)
def test_any_text_can_be_encoded_and_sound_text_is_left_alone(given_text: str) -> None:
    assert text(given_text).encode().decode() == text(given_text)
    if not any("\ud800" <= character <= "\udfff" for character in given_text):
        assert text(given_text) == given_text


@settings(deadline=None)
@given(_json)
def test_any_value_can_be_encoded(value: Any) -> None:
    assert msgspec.json.encode(clean(value))


@settings(deadline=None)
@given(_kinds, st.dictionaries(_fields, _json, max_size=5))
def test_no_content_whatever_its_fields_breaks_the_encoding(kind: str, content: dict[str, Any]) -> None:
    event = said(Message(kind, "p", content))
    if isinstance(event, Output):
        assert event.data.decode() == event.data.decode("utf-8", "strict")
    elif event is not None:
        assert all(isinstance(result, str) for result in event.get("results", {}).values())
        assert encode(event)
