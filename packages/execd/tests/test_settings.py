"""Settings: one table, three sources, and one line about whatever cannot be understood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd import settings as options
from execd.settings import (
    Settings,
    SettingsError,
    UsageError,
    children_environment,
    default_state_dir,
    pool_sizes,
    rows,
    usage,
)

NUMBERS = [row for row in rows() if row.type == "int" and row.name != "lifeline_fd"]


def read(*argv: str, **environ: str) -> Settings:
    return options.read(argv, environ=environ)


def refused(*argv: str, **environ: str) -> str:
    with pytest.raises(UsageError) as refusal:
        read(*argv, **environ)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_is_a_flag_a_variable_and_a_key_with_help() -> None:
    assert [row.name for row in rows()] == list(Settings.__struct_fields__)
    for row in rows():
        assert row.flag == "--" + row.name.replace("_", "-")
        assert row.variable == "EXECD_" + row.name.upper()
        assert row.help
        assert row.flag in usage()


@given(row=st.sampled_from(NUMBERS), number=st.integers(min_value=1, max_value=60_000))
def test_a_number_means_the_same_from_every_source(row: options.Row, number: int) -> None:
    assert getattr(read(row.flag, str(number)), row.name) == number
    assert getattr(read(f"{row.flag}={number}"), row.name) == number
    assert getattr(read(**{row.variable: str(number)}), row.name) == number


def test_a_file_gives_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "execd.toml"
    path.write_text(
        'port = 1\nheartbeat_s = 2\nallow_host = ["a", "b"]\ninsecure = true\nlog_level = 7\nshell = "/bin/sh"'
    )
    settings = read("--config", str(path))
    assert (settings.port, settings.heartbeat_s, settings.allow_host) == (1, 2, ("a", "b"))
    assert (settings.insecure, settings.log_level, settings.shell) == (True, "debug", "/bin/sh")


def test_a_flag_wins_over_a_variable_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "execd.toml"
    path.write_text("port = 1\nkill_grace_ms = 1\ndrain_grace_ms = 1")
    settings = read("--port", "3", EXECD_CONFIG=str(path), EXECD_PORT="2", EXECD_KILL_GRACE_MS="2")
    assert (settings.port, settings.kill_grace_ms, settings.drain_grace_ms) == (3, 2, 1)


def test_an_empty_variable_or_flag_is_unset() -> None:
    assert read("--host=", "--shell", "", EXECD_PORT="", EXECD_CONFIG="") == read()


def test_without_any_source_there_are_the_defaults() -> None:
    assert read() == Settings()


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_is_separated_by_commas_and_by_repetition() -> None:
    assert read("--allow-origin", "a, b,,", "--allow-origin=c").allow_origin == ("a", "b", "c")


@pytest.mark.parametrize(
    ("given_level", "wanted"),
    [
        ("0", "critical"),
        ("3", "error"),
        ("4", "warning"),
        ("6", "info"),
        ("7", "debug"),
        ("WARN", "warning"),
        ("Debug", "debug"),
    ],
)
def test_a_log_level_is_a_name_or_a_number(given_level: str, wanted: str) -> None:
    assert read("--log-level", given_level).log_level == wanted


@pytest.mark.parametrize(
    ("argv", "wanted"), [(["--insecure"], True), (["--insecure=false"], False), (["--insecure=1"], True)]
)
def test_a_switch_needs_no_value(argv: list[str], *, wanted: bool) -> None:
    assert read(*argv, "--port", "5").insecure is wanted


@pytest.mark.parametrize("spelled", [["serve", "-port", "5"], ["-port=5"], ["--port=5"], ["serve", "--port", "5"]])
def test_flags_are_spelled_as_the_original_daemon_takes_them(spelled: list[str]) -> None:
    assert read(*spelled).port == 5


def test_flags_of_the_original_daemon_are_taken_without_effect() -> None:
    ignored = ["--graceful-shutdown-timeout=3s", "-jupyter-host", "http://127.0.0.1", "--jupyter-token=x"]
    assert read(*ignored) == Settings()


NO_PORTS = [["--port", "x"], ["--port=70000"], ["--port=-1"], ["--port=1.5"], ["--port"]]
NO_HEARTBEATS = [["--heartbeat-s=10"], ["--heartbeat-s=0"], ["--heartbeat-s=nan"]]
NO_CHOICES = [["--log-level=loud"], ["--log-format=xml"], ["--insecure=maybe"], ["--lifeline-fd=9999"]]


@pytest.mark.parametrize("argv", NO_PORTS + NO_HEARTBEATS + NO_CHOICES)
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_flag(argv: list[str]) -> None:
    assert argv[0].partition("=")[0] in refused(*argv)


def test_an_unknown_flag_is_refused() -> None:
    assert "--colour" in refused("--colour", "red")


def test_what_is_no_flag_is_not_repeated() -> None:
    assert "s3cret" not in refused("--port", "1", "s3cret")


def test_a_wrong_variable_is_refused_by_the_name_of_its_flag() -> None:
    assert refused(EXECD_RETENTION_S="long").startswith("--retention-s: ")


@given(argv=st.lists(st.text(max_size=12) | st.sampled_from([row.flag for row in rows()]), max_size=5))
def test_any_arguments_are_read_or_refused_in_one_line(argv: list[str]) -> None:
    try:
        assert isinstance(options.read(argv, environ={}), Settings)
    except (UsageError, SettingsError) as refusal:
        assert "\n" not in str(refusal), argv  # noqa: PT017 - the other outcome


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["port = ", "colour = 1", "= 5", "port = 1\nport = 2", "[execd]\nport = 1"])
def test_a_file_that_cannot_be_understood_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "execd.toml"
    path.write_text(f'access_token = "s3cret"\n{text}')
    said = refused("--config", str(path))
    assert str(path) in said
    assert "s3cret" not in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read("--config", str(tmp_path / "none"))


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tokens_come_from_the_guard_and_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("two\nthree, four\n\n")
    settings = options.read(["--access-token-file", str(path)], tokens=["one"], environ={})
    assert settings.access_token == ("one", "two", "three", "four")


def test_the_guards_tokens_win_over_those_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "execd.toml"
    path.write_text('access_token = "old"')
    assert options.read(["--config", str(path)], environ={}).access_token == ("old",)
    assert options.read(["--config", str(path)], tokens=["new"], environ={}).access_token == ("new",)


def test_a_token_file_without_a_token_does_not_open_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("\n , \n")
    assert "holds no token" in refused("--access-token-file", str(path))


def test_a_token_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read("--access-token-file", str(tmp_path / "none"))


def test_no_token_is_in_the_repr() -> None:
    assert "s3cret" not in repr(Settings(access_token=("s3cret",)))


def test_children_get_the_environment_without_the_tokens_under_any_name() -> None:
    settings = Settings(access_token=("a", "long-token"))
    environ = {
        "EXECD_ACCESS_TOKEN": "x",
        "SHORT": "a",
        "LONG": "Bearer long-token",
        "PATH": "/bin:/banana",
        "EXECD_ENVS": "/env",
    }
    assert children_environment(settings, environ=environ) == {"PATH": "/bin:/banana", "EXECD_ENVS": "/env"}


# ── the state directory ──────────────────────────────────────────────────────────────────────────────────────────────


def test_state_of_root_is_in_the_systems_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_state_dir({"HOME": "/root"}) == "/var/lib/execd"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/u"}, "/state/execd"),
        ({"HOME": "/home/u"}, "/home/u/.local/state/execd"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/u"}, None),
        ({"XDG_STATE_HOME": "", "HOME": ""}, None),
        ({}, None),
    ],
)
def test_state_of_a_user_is_in_the_users_place(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], wanted: str | None
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_state_dir(environ) == wanted


@pytest.mark.parametrize(
    "entry", ["python", "python=", "=1", "python=-1", "python=1.5", "python=65", "python=" + 9999 * "9"]
)
def test_a_pool_that_makes_no_sense_is_refused(entry: str) -> None:
    assert refused("--pool", entry).startswith("--pool: ")


def test_a_pool_names_languages_and_numbers() -> None:
    assert pool_sizes(read("--pool", "python=1,bash=0")) == {"python": 1, "bash": 0}
    assert pool_sizes(read(EXECD_POOL="py=2")) == {"py": 2}
    assert pool_sizes(read(EXECD_POOL="")) == {}
