from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPS = {
    "marked": "import pytest\n@pytest.mark.skip(reason='no disk')\ndef test_it():\n    assert 0\n",
    "called": "import pytest\ndef test_it():\n    pytest.skip('no disk')\n",
    "collected": "import pytest\npytest.skip('no disk', allow_module_level=True)\n",
}


def outcome(folder: Path, text: str, *, require_all: str) -> tuple[int, str]:
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "test_planted.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={folder}",
        "--doctest-modules",
    ]
    environment = {**os.environ, "EXECD_REQUIRE_ALL": require_all}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS)
def test_a_skip_is_a_failure_where_everything_is_required(tmp_path: Path, text: str) -> None:
    status, said = outcome(tmp_path, text, require_all="1")
    assert status != 0
    assert "no disk" in said
    assert re.search("[1-9] (failed|error)", said)


@pytest.mark.slow
def test_a_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    status, said = outcome(tmp_path, SKIPS["called"], require_all="")
    assert (status, "1 skipped" in said) == (0, True)


@pytest.mark.slow
def test_an_expected_failure_stays_one(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it():\n    assert 0\n"
    status, said = outcome(tmp_path, text, require_all="1")
    assert (status, "1 xfailed" in said) == (0, True)


@pytest.mark.slow
def test_an_example_that_says_skip_is_no_test(tmp_path: Path) -> None:
    status, said = outcome(tmp_path, '"""\n>>> 1 / 0  # doctest: +SKIP\n"""\ndef test_it(): ...\n', require_all="1")
    assert (status, "1 passed" in said) == (0, True)
