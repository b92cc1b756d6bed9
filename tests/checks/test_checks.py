from __future__ import annotations

import pytest

from noxfile import CHECKS

from .planting import Copy

(STYLE, FORMAT), (IMPORTS,) = CHECKS["lint"], CHECKS["imports"]
MYPY, MYPY_BESIDE, PYRIGHT, COMPLETE, COMPLETE_TOO = CHECKS["types"]
EXECD, SDK = "packages/execd/src/execd", "packages/sdk/src/opensandbox"
INTERPRETER = "packages/code-interpreter/src/code_interpreter"

pytestmark = pytest.mark.timeout(180)  # a checker without its cache reads everything


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy.made_in(tmp_path_factory.mktemp("planted"))


def fails(copy: Copy, command: tuple[str, ...], where: str, text: str) -> str:
    with copy.planted(where, text):
        status, said = copy.run(command)
    assert status != 0
    return said


@pytest.mark.parametrize(
    ("where", "text", "rule"),
    [
        (f"{EXECD}/planted.py", "import json\n", "F401"),
        (f"{EXECD}/planted.py", "def no_docstring() -> None: ...\n", "D103"),
        (f"{EXECD}/paths.py", "import os\n\nHOME = os.environ.get('HOME')\n", "TID251"),
        ("packages/execd/tests/test_planted.py", "def test_nothing():\n    x = 1\n", "F841"),
    ],
)
def test_lint_fails_for_bad_style(copy: Copy, where: str, text: str, rule: str) -> None:
    assert rule in fails(copy, STYLE, where, text)


def test_lint_fails_for_bad_format(copy: Copy) -> None:
    assert f"{EXECD}/planted.py" in fails(copy, FORMAT, f"{EXECD}/planted.py", "X = 'single'\n")


@pytest.mark.parametrize("where", [EXECD, SDK, "packages/execd/tests", "benchmarks", "tools"])
def test_types_fail_for_a_wrong_type_anywhere(copy: Copy, where: str) -> None:
    assert "planted.py:2: error: Incompatible types" in fails(copy, MYPY, f"{where}/planted.py", "X: int = 'x'\n")


def test_types_fail_for_a_wrong_type_in_the_interpreters_tests(copy: Copy) -> None:
    said = fails(copy, MYPY_BESIDE, "packages/code-interpreter/tests/planted.py", "X: int = 'x'\n")
    assert "planted.py:2: error: Incompatible types" in said


@pytest.mark.slow
def test_types_fail_for_a_wrong_call_of_the_public_api(copy: Copy) -> None:
    said = fails(copy, PYRIGHT, f"{SDK}/results.py", "\n\nPLANTED: int = 'x'\n")
    assert "Type \"Literal['x']\" is not assignable" in said or '"str" is not assignable' in said


@pytest.mark.slow
def test_types_fail_for_a_public_name_without_a_type(copy: Copy) -> None:
    said = fails(copy, COMPLETE, f"{SDK}/results.py", "\n\ndef planted(x, y):\n    return x\n")
    assert "opensandbox.results.planted" in said
    said = fails(copy, COMPLETE_TOO, f"{INTERPRETER}/results.py", "\n\ndef planted(x, y):\n    return x\n")
    assert "code_interpreter.results.planted" in said


@pytest.mark.parametrize(
    ("where", "text", "arrow"),
    [
        pytest.param(
            f"{EXECD}/runs/planted.py", "import execd.http\n", "execd.runs.planted -> execd.http", id="upwards"
        ),
        pytest.param(f"{EXECD}/errors.py", "import execd.runs\n", "execd.errors -> execd.runs", id="from below"),
        pytest.param(f"{EXECD}/planted.py", "", "execd.planted", id="a module without a place"),
        pytest.param(f"{EXECD}/runs/text.py", "import time\n", "execd.runs.text -> time", id="a clock"),
        pytest.param(f"{EXECD}/process/states.py", "import asyncio\n", "execd.process.states -> asyncio", id="a loop"),
        pytest.param(
            f"{SDK}/_core/planted.py", "import socket\n", "opensandbox._core.planted -> socket", id="a socket"
        ),
        pytest.param(f"{EXECD}/runs/planted.py", "import starlette.types\n", "planted -> starlette", id="starlette"),
        pytest.param(f"{EXECD}/http/planted.py", "import hypercorn\n", "planted -> hypercorn", id="hypercorn"),
        pytest.param(f"{EXECD}/process/planted.py", "import subprocess\n", "planted -> subprocess", id="subprocess"),
        pytest.param(f"{SDK}/_async/planted.py", "import httpx\n", "planted -> httpx", id="httpx"),
        pytest.param(f"{EXECD}/guard.py", "import asyncio\n", "execd.guard -> asyncio", id="a heavy guard"),
        pytest.param(
            f"{EXECD}/app.py", "import opensandbox\n", "execd.app -> opensandbox", id="the daemon takes the SDK"
        ),
        pytest.param(f"{SDK}/transport.py", "import execd\n", "transport -> execd", id="the SDK takes the daemon"),
        pytest.param(f"{SDK}/transport.py", "import tools\n", "transport -> tools", id="tools"),
        pytest.param(
            f"{SDK}/results.py", "import opensandbox._core\n", "results -> opensandbox._core", id="SDK upwards"
        ),
        pytest.param(f"{SDK}/_core/planted.py", "import opensandbox\n", "planted -> opensandbox", id="from the root"),
        pytest.param(f"{SDK}/planted.py", "", "opensandbox.planted", id="an SDK module without a place"),
        pytest.param(
            f"{SDK}/transport.py", "import code_interpreter\n", "transport -> code_interpreter", id="downwards"
        ),
        pytest.param(
            f"{INTERPRETER}/planted.py", "import opensandbox._core\n", "planted -> opensandbox._core", id="private"
        ),
        pytest.param(
            f"{INTERPRETER}/results.py", "import code_interpreter._core\n", "results -> code_interpreter._core", id="up"
        ),
        pytest.param(f"{INTERPRETER}/planted.py", "", "code_interpreter.planted", id="an unplaced module"),
        pytest.param(
            f"{INTERPRETER}/_core/planted.py", "import time\n", "code_interpreter._core.planted -> time", id="time"
        ),
    ],
)
def test_imports_fail_for_an_arrow_that_must_not_be(copy: Copy, where: str, text: str, arrow: str) -> None:
    assert arrow in fails(copy, IMPORTS, where, text)
