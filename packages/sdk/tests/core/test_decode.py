"""Bodies into values and exceptions, from any daemon."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from opensandbox import exceptions
from opensandbox._core import decode
from opensandbox._core.retry import is_transient
from opensandbox.exceptions import SandboxApiException, SandboxConnectionException, SandboxException

SPEC = Path(__file__).parents[4] / "spec" / "openapi.yaml"


def refusal(status: int, body: Any, **headers: str) -> SandboxException:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode.refusal(status, data, {name.replace("_", "-"): value for name, value in headers.items()})


def test_every_code_of_the_spec_has_a_class_of_its_own() -> None:
    codes = yaml.safe_load(SPEC.read_text())["components"]["schemas"]["ErrorCode"]["enum"]
    for code in codes:
        error = refusal(418, {"code": code, "message": "m", "request_id": "r"})
        assert type(error).code == code


def test_a_refusal_of_a_daemon_that_goes_down_has_no_execution_and_may_be_tried_again() -> None:
    error = refusal(503, {"code": "SHUTTING_DOWN", "message": "m"})
    assert isinstance(error, exceptions.ShuttingDownException)
    assert (error.execution, error.status_code) == (None, 503)
    assert is_transient(error)


def test_a_refusal_keeps_what_was_said() -> None:
    error = refusal(404, {"code": "COMMAND_NOT_FOUND", "message": "no 'a'", "details": {"id": "a"}, "request_id": "r1"})
    assert type(error) is exceptions.CommandNotFoundException
    assert error.status_code == 404
    assert (error.error.code, error.error.message, error.error.details) == ("COMMAND_NOT_FOUND", "no 'a'", {"id": "a"})
    assert (error.request_id, str(error)) == ("r1", "no 'a'")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, exceptions.InvalidRequestException),
        (403, exceptions.PermissionDeniedException),
        (404, exceptions.NotFoundException),
        (409, exceptions.ConflictException),
        (418, exceptions.InvalidRequestException),
        (502, exceptions.ServerException),
        (599, exceptions.ServerException),
    ],
)
@pytest.mark.parametrize("body", [{"code": "OF_TOMORROW", "message": "m"}, b"<html>Bad gateway</html>", b"", b"\xff"])
def test_an_unknown_code_becomes_the_class_of_its_status(status: int, kind: type[SandboxException], body: Any) -> None:
    error = refusal(status, body, x_request_id="r2")
    assert type(error) is kind
    assert isinstance(error, SandboxApiException)
    assert error.status_code == status
    assert error.request_id == "r2"
    assert error.error.details == {}
    assert error.error.message


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), ("", None)])
def test_the_wish_to_wait_is_kept(header: str, seconds: float | None) -> None:
    assert refusal(429, b"", retry_after=header).retry_after_s == seconds


def test_a_status_is_decoded_with_its_moments() -> None:
    status = decode.command_status(
        b'{"id":"a","content":"x","running":false,"started_at":"2026-11-23T10:00:12.588Z","finished_at":"never",'
        b'"exit_code":3,"error":"3","new":1}'
    )
    assert status.started_at == datetime(2026, 11, 23, 10, 0, 12, 588000, tzinfo=UTC)
    assert (status.is_complete, status.exit_code, status.finished_at) == (True, 3, None)


def test_an_answer_that_cannot_be_read_is_no_usable_answer() -> None:
    with pytest.raises(SandboxConnectionException):
        decode.version(b"<html>")
