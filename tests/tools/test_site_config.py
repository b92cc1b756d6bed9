"""What of a machine's package clients goes into an image build, and that a build step can read it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.ci import site_config
from tools.ci.site_config import (
    from_lines,
    from_stanzas,
    go_variables,
    npm_variables,
    pip_variables,
    script,
    unpacked,
    variables,
)

STANZA = """\
Types: deb deb-src
URIs: https://mirror.example/debian file:/srv/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/own.gpg
"""


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("deb http://mirror.example/debian bookworm main", "deb http://mirror.example/debian bookworm main"),
        (
            "deb [arch=amd64 signed-by=/k.gpg] https://m.example bookworm-security main",
            "deb [arch=amd64] https://m.example bookworm-security main",
        ),
        ("deb [signed-by=/k.gpg]  https://m.example bookworm main", "deb https://m.example bookworm main"),
    ],
)
def test_a_line_loses_only_what_is_a_path_of_here(line: str, want: str) -> None:
    assert from_lines(line, "bookworm") == [want]


@pytest.mark.parametrize(
    "line",
    [
        "# deb http://mirror.example/debian bookworm main",
        "deb-src http://mirror.example/debian bookworm main",
        "deb file:/srv/debian bookworm main",
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian bookworm-backports main",
    ],
)
def test_other_lines_are_left_out(line: str) -> None:
    assert from_lines(line, "bookworm") == []


def test_a_stanza_becomes_a_line_for_each_suite_of_the_distribution() -> None:
    assert from_stanzas(STANZA, "bookworm") == [
        "deb https://mirror.example/debian bookworm main contrib",
        "deb https://mirror.example/debian bookworm-updates main contrib",
    ]


def test_stanzas_that_are_off_or_of_sources_are_left_out() -> None:
    assert from_stanzas("Enabled: no\n" + STANZA, "bookworm") == []
    assert len(from_stanzas("Enabled: no\n" + STANZA + "\n" + STANZA, "bookworm")) == 2
    assert from_stanzas(STANZA.replace("deb deb-src", "deb-src"), "bookworm") == []


def test_of_pips_configuration_only_the_ways_to_an_index_are_told() -> None:
    listing = (
        "global.cert='/ca.pem'\nglobal.extra-index-url='\\nhttps://a\\nhttps://b'\ninstall.index-url='https://i'\n"
    )
    assert pip_variables(listing) == {"PIP_EXTRA_INDEX_URL": "https://a https://b", "PIP_INDEX_URL": "https://i"}


def test_of_npms_and_gos_configuration_only_the_ways_to_packages_are_told() -> None:
    listing = '; "user" config\n\ncafile = "/ca.pem"\nhttps-proxy = "http://p"\nregistry = "https://n"\n'
    assert npm_variables(listing) == {"NPM_CONFIG_HTTPS_PROXY": "http://p", "NPM_CONFIG_REGISTRY": "https://n"}
    assert go_variables("GOFLAGS='-x'\nGOPROXY='https://g,direct'\n") == {"GOPROXY": "https://g,direct"}


def test_the_environment_is_passed_on_without_a_pip_and_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine")
    monkeypatch.setattr(site_config, "said_by", lambda *_: "")
    assert variables()["PIP_INDEX_URL"] == "https://mine"
    monkeypatch.setattr(site_config, "said_by", lambda *_: "global.index-url='https://files'\n")
    assert variables()["PIP_INDEX_URL"] == "https://mine"


def shell(lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a build step does."""
    return subprocess.run(["sh"], input=lines, capture_output=True, text=True, timeout=20, check=False)


def test_a_file_comes_out_of_the_script_as_it_went_in(tmp_path: Path) -> None:
    lines = unpacked("ca.pem", "one, two\nthree")
    assert shell(f"site={tmp_path}\n{lines}\n").returncode == 0
    assert (tmp_path / "ca.pem").read_text() == "one, two\nthree\n"


def test_a_script_tells_a_step_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_config, "variables", lambda: {"PIP_INDEX_URL": "https://it's"})
    told = shell(f'{script()}\necho "$PIP_INDEX_URL"\n')
    assert told.stdout == "https://it's\n"


def test_where_no_folder_can_be_made_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(site_config, "variables", lambda: {"PIP_INDEX_URL": "https://mine"})
    told = shell(f"mktemp() {{ return 1; }}; cd {tmp_path}\n{script()}\ntouch reached\n")
    assert told.returncode == 1
    assert list(tmp_path.iterdir()) == []
