"""Errors as bodies: one form for all of them, and nothing about faults of our own."""

from __future__ import annotations

import json

import pytest

from execd import errors
from execd._wire import ErrorCode
from execd.errors import ExecdError, InvalidRequestBody, MethodNotAllowed
from execd.http.problem import answer_to


def all_errors() -> list[type[ExecdError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ExecdError)]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_has_a_status_and_a_code_of_the_contract(kind: type[ExecdError]) -> None:
    answer = answer_to(kind("why", details={"allow": ["GET"]}), request_id="r1")
    body = json.loads(answer.body)
    assert answer.status == kind.status
    assert answer.content_type == b"application/json"
    assert body == {"code": kind.code, "message": "why", "details": {"allow": ["GET"]}, "request_id": "r1"}


def test_every_code_of_the_contract_has_an_error() -> None:
    assert {kind.code for kind in all_errors()} == {code.value for code in ErrorCode}


def test_a_fault_of_our_own_says_nothing_about_itself() -> None:
    answer = answer_to(KeyError("secret"), request_id="r1")
    assert answer.status == 500
    assert json.loads(answer.body)["code"] == "RUNTIME_ERROR"
    assert b"secret" not in answer.body
    assert b"KeyError" not in answer.body


def test_no_room_for_a_thread_is_a_limit_and_no_fault() -> None:
    answer = answer_to(RuntimeError("can't start new thread"), request_id="r1")
    assert answer.status == 429
    assert json.loads(answer.body)["code"] == "LIMIT_REACHED"


def test_a_wrong_method_is_told_the_right_ones() -> None:
    answer = answer_to(MethodNotAllowed("no", details={"allow": ["GET", "HEAD"]}), request_id="r1")
    assert (b"allow", b"GET, HEAD") in answer.headers


def test_text_that_json_cannot_hold_is_made_readable() -> None:
    answer = answer_to(InvalidRequestBody("cwd: /a\udcff", details={"path": ["/a\udcff"]}), request_id="r1")
    assert json.loads(answer.body)["message"] == "cwd: /a?"
