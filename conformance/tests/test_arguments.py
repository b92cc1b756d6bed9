"""The command line."""

from __future__ import annotations

import pytest

from execd_conformance.arguments import Arguments, parse


def asked(*argv: str, **environ: str) -> Arguments:
    return parse(argv, environ=environ)


def test_a_url_takes_its_token_from_the_command_line_then_from_the_environment() -> None:
    assert asked("--target", "http://h", "--token", "a", EXECD_ACCESS_TOKEN="b").choice.token == "a"
    assert asked("--target", "http://h", EXECD_ACCESS_TOKEN="b").choice.token == "b"
    assert asked("--target", "http://h", EXECD_ACCESS_TOKEN="").choice.token is None


@pytest.mark.parametrize("target", ["local", "docker:execd:dev"])
def test_what_is_started_here_takes_none_from_the_environment(target: str) -> None:
    assert asked("--target", target, EXECD_ACCESS_TOKEN="b").choice.token is None


def test_patterns_may_be_repeated_or_parted_by_commas() -> None:
    assert asked("--target", "local", "--only", "a, b", "--only", "c,").only == ("a", "b", "c")


def test_languages_are_named_by_what_they_are_called() -> None:
    assert asked("--target", "local", "--languages", "java, go").languages == ("java", "go")
    with pytest.raises(SystemExit):
        asked("--target", "local", "--languages", "java,cobol")


def test_all_must_be_there_only_where_that_is_said() -> None:
    assert asked("--target", "local", EXECD_REQUIRE_ALL="1").require_all
    assert not asked("--target", "local", EXECD_REQUIRE_ALL="0").require_all


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--target", "local", "-n", "-1"],
        ["--target", "local", "-n", "many"],
        ["--target", "local", "--profile", "most"],
        ["--target", "local", "--what"],
        ["--target", "local", "more"],
        ["--targ", "local"],
    ],
)
def test_bad_usage_is_status_2_and_says_why(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv, environ={})
    assert ended.value.code == 2
    assert "execd-conformance: error: " in capsys.readouterr().err
