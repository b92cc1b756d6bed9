"""The composition root: settings become services, and the whole answers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from execd import app
from execd.settings import Settings, SettingsError

from .http.worlds import call


def settings(tmp_path: Path, **changes: object) -> Settings:
    return Settings(**{"state_dir": str(tmp_path / "state"), "working_root": str(tmp_path), **changes})  # type: ignore[arg-type]


async def test_a_command_runs_from_end_to_end(tmp_path: Path) -> None:
    daemon = app.build(settings(tmp_path), environment={"PATH": os.environ["PATH"], "WHO": "world"})
    reply = await call(daemon.app, "POST", "/command", body=b'{"command":"echo hello $WHO; pwd"}')
    assert b'"text":"hello world"' in reply.body
    assert f'"text":"{tmp_path}"'.encode() in reply.body
    assert b'"type":"execution_complete"' in reply.body


async def test_closing_ends_every_run_and_readiness(tmp_path: Path) -> None:
    daemon = app.build(settings(tmp_path), environment={})
    assert (await call(daemon.app, "GET", "/ready")).status == 200
    await daemon.close()
    assert (await call(daemon.app, "GET", "/ready")).json["details"] == {"waiting_for": ["shutdown"]}
    assert (await call(daemon.app, "POST", "/command", body=b'{"command":"true"}')).code == "SHUTTING_DOWN"


async def test_state_is_kept_in_a_private_directory(tmp_path: Path) -> None:
    app.build(settings(tmp_path, state_dir=str(tmp_path / "deep" / "state")), environment={})
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700


async def test_a_state_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="--state-dir"):
        app.build(settings(tmp_path, state_dir=str(tmp_path / "file" / "state")), environment={})


async def test_without_a_usable_default_state_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(app, "default_state_dir", lambda: str(tmp_path / "file" / "state"))
    daemon = app.build(settings(tmp_path, state_dir=None), environment={})
    assert not daemon.services.registry.spool.healthy


async def test_a_working_root_that_is_no_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--working-root"):
        app.build(settings(tmp_path, working_root=str(tmp_path / "none")), environment={})


@pytest.mark.parametrize(
    ("changes", "host", "status"),
    [
        ({}, "localhost", 200),
        ({}, "execd.service", 403),
        ({"allow_host": ("Execd.Service",)}, "execd.service", 200),
        ({"insecure": True}, "execd.service", 403),
        ({"insecure": True, "host": "0.0.0.0"}, "execd.service", 200),
        ({"access_token": ("t",)}, "execd.service", 401),
    ],
)
async def test_settings_decide_who_may_come_in(
    tmp_path: Path, changes: dict[str, object], host: str, status: int
) -> None:
    daemon = app.build(settings(tmp_path, **changes), environment={})
    assert (await call(daemon.app, "GET", "/version", headers=[("Host", host)])).status == status
