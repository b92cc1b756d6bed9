"""A foreign package of the same name is told apart at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import opensandbox

SOURCE = Path(opensandbox.__file__).parents[1]


def import_beside(directory: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path[:0] = [{str(directory)!r}, {str(SOURCE)!r}]; import opensandbox"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_foreign_distribution_is_named(tmp_path: Path) -> None:
    metadata = tmp_path / "opensandbox-1.1.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: opensandbox\nVersion: 1.1.1\n")
    run = import_beside(tmp_path)
    assert run.returncode == 1
    assert "ImportError: the distribution 'opensandbox' 1.1.1 is installed beside 'execd-sdk'" in run.stderr


def test_without_one_the_import_is_quiet(tmp_path: Path) -> None:
    run = import_beside(tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
