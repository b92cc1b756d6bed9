# Generated from packages/code-interpreter/tests/_async/test_execd.py by tools/unasync.py; do not edit.
"""The interpreter and real kernels: state, errors, deaths, figures, questions."""

from __future__ import annotations

import base64
import os
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest

from code_interpreter import CodeInterpreterSync, Result, SupportedLanguage
from opensandbox import SandboxSync
from opensandbox.exceptions import (
    ContextNotFoundException,
    ExecutionTimeoutException,
    KernelDiedException,
    LanguageNotSupportedException,
)
from opensandbox.results import ExecutionError
from packages.sdk.tests.conftest import RunningDaemon
from packages.sdk.tests.worlds import cutting_proxy, random_cuts

FIGURE = """
import base64
from IPython.display import Image, HTML, JSON, display
pixel = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
display(HTML("<b>bold</b>"), JSON({"a": [1, None]}), metadata={"k": 1})
Image(pixel)
"""


@pytest.fixture
def interpreter(execd: RunningDaemon) -> Iterator[CodeInterpreterSync]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield CodeInterpreterSync.create(sandbox)


@pytest.fixture
def context(interpreter: CodeInterpreterSync) -> Iterator[str]:
    """A context of the test's own."""
    context = interpreter.codes.create_context(SupportedLanguage.PYTHON)
    yield context.context_id
    interpreter.codes.delete_context(context)


def test_state_lasts_from_cell_to_cell_and_counts_them(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    first = interpreter.codes.run("x = 10\ny = 20", context_id=shared_context)
    second = interpreter.codes.run("print('sum'); x + y", context_id=shared_context)
    assert (first.text, first.result) == (None, ())
    assert (second.text, second.stdout, second.cause) == ("30", "sum\n", "completed")
    assert first.execution_count is not None
    assert second.execution_count == first.execution_count + 1


def test_what_the_code_raises_is_data_and_harms_no_state(
    interpreter: CodeInterpreterSync, shared_context: str
) -> None:
    interpreter.codes.run("x = 1", context_id=shared_context)
    execution = interpreter.codes.run("print('before')\n1 / 0", context_id=shared_context)
    assert execution.error is not None
    assert (execution.error.name, execution.error.value) == ("ZeroDivisionError", "division by zero")
    assert "ZeroDivisionError" in execution.error.traceback[-1]
    assert (execution.stdout, execution.cause, execution.state_lost) == ("before\n", "raised", False)
    assert (interpreter.codes.run("x", context_id=shared_context)).text == "1"


def test_every_form_of_a_result_comes_back(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    shown: list[Result] = []
    execution = interpreter.codes.run(FIGURE, context_id=shared_context, on_result=shown.append)
    html, json, image = execution.result
    assert (html.html, html.is_main_result, html.metadata) == ("<b>bold</b>", False, {"k": 1})
    assert json.json == {"a": [1, None]}
    assert image.is_main_result
    assert image.png is not None
    assert image.png.startswith(b"\x89PNG")
    assert base64.b64decode(image.mime["image/png"]) == image.png
    assert execution.result == tuple(shown)


def test_displays_are_updated_and_cleared(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    code = """
from IPython.display import clear_output, display
display("gone"); clear_output()
handle = display("1", display_id="d"); handle.update("2"); display("3")
"""
    execution = interpreter.codes.run(code, context_id=shared_context)
    assert [each.text for each in execution.result] == ["'2'", "'3'"]


def test_a_stream_comes_as_it_is_written(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    code = "import sys\nprint('one')\nprint('two', file=sys.stderr)\n'three'"
    seen = [event for event in interpreter.codes.run_stream(code, context_id=shared_context)]
    assert {str(event) for event in seen if not isinstance(event, Result)} == {"one", "two"}
    assert isinstance(seen[-1], Result)
    failing = [event for event in interpreter.codes.run_stream("nope", context_id=shared_context)]
    assert isinstance(failing[-1], ExecutionError)


def test_the_default_context_of_a_language_is_kept(interpreter: CodeInterpreterSync) -> None:
    interpreter.codes.run("kept = 'yes'", language="py")
    assert (interpreter.codes.run("kept")).text == "'yes'"
    ephemeral = interpreter.codes.run("'kept' in globals()", ephemeral=True)
    assert ephemeral.text == "False"


def test_questions_are_answered_or_refused(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str | None:
        asked.append(prompt)
        return None if len(asked) == 2 else "Ada"

    execution = interpreter.codes.run("input('name? ')", context_id=shared_context, on_input=answer)
    assert (execution.text, asked) == ("'Ada'", ["name? "])
    ended = interpreter.codes.run("input('more? ')", context_id=shared_context, on_input=answer)
    assert ended.error is not None
    assert ended.error.name == "EOFError"
    refused = interpreter.codes.run("input()", context_id=shared_context)
    assert refused.error is not None
    assert refused.error.name == "StdinNotImplementedError"


def test_a_timeout_raises_and_spares_the_state(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    interpreter.codes.run("x = 1", context_id=shared_context)
    with pytest.raises(ExecutionTimeoutException) as caught:
        interpreter.codes.run(
            "print('waiting', flush=True)\nimport time\ntime.sleep(60)", context_id=shared_context, timeout=1
        )  # fmt: skip
    assert caught.value.state_lost is False
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "waiting\n"
    assert (interpreter.codes.run("x", context_id=shared_context)).text == "1"


def test_a_kernel_that_dies_takes_its_state_and_leaves_its_context(
    interpreter: CodeInterpreterSync, context: str
) -> None:
    interpreter.codes.run("x = 1", context_id=context)
    with pytest.raises(KernelDiedException) as caught:
        interpreter.codes.run(
            "print('last words', flush=True)\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            context_id=context,
        )
    assert caught.value.state_lost
    assert caught.value.error.details["signal"] == "SIGKILL"
    again = interpreter.codes.run("'x' in globals()", context_id=context)
    assert (again.text, again.restarted) == ("False", True)


def test_contexts_are_separate_and_end(interpreter: CodeInterpreterSync, tmp_path: Path) -> None:
    one = interpreter.codes.create_context("python", working_dir=str(tmp_path / "made"), envs={"A": "1"})
    two = interpreter.codes.create_context("python")
    assert (one.language, one.working_dir) == ("python", str(tmp_path / "made"))
    interpreter.codes.run("x = 1", context_id=one)
    told = interpreter.codes.run("import os; (os.getcwd(), os.environ['A'])", context_id=one)
    assert literal_eval(told.text or "") == (str(tmp_path / "made"), "1")
    assert (interpreter.codes.run("'x' in globals()", context_id=two)).text == "False"
    assert {one, two} <= set(interpreter.codes.list_contexts("python"))
    assert interpreter.codes.get_context(one) == one
    interpreter.codes.restart_context(one)
    assert (interpreter.codes.run("'x' in globals()", context_id=one)).text == "False"
    for context in (one, two):
        interpreter.codes.delete_context(context.context_id)
    with pytest.raises(ContextNotFoundException) as caught:
        interpreter.codes.run("x", context_id=one.context_id)
    assert caught.value.state_lost


def test_variables_of_a_run_are_its_own(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    read = "import os; os.environ.get('ONLY_NOW')"
    value = 'it\'s "quoted"\n$HOME'
    assert (interpreter.codes.run(read, context_id=shared_context, envs={"ONLY_NOW": value})).text == repr(value)
    assert (interpreter.codes.run(read, context_id=shared_context)).text is None


def test_a_language_that_is_not_there_is_told(interpreter: CodeInterpreterSync) -> None:
    with pytest.raises(LanguageNotSupportedException) as caught:
        interpreter.codes.run("x", language="cobol")
    assert "python" in caught.value.error.details["installed"]
    assert "python" in [language.name for language in interpreter.codes.languages()]


def test_a_cell_survives_a_connection_that_breaks_anywhere(execd: RunningDaemon) -> None:
    code = "import sys\nfor i in range(2000): print(i, 'ü', file=sys.stderr if i % 7 == 0 else sys.stdout)\n'end'"
    lines = [[f"{i} ü" for i in range(2000) if (i % 7 == 0) is is_err] for is_err in (False, True)]
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            interpreter = CodeInterpreterSync.create(sandbox)
            context = interpreter.codes.create_context("python")
            for seed in range(4):
                proxy.drop()
                proxy.cuts = random_cuts(seed, cuts=8, largest=60_000)
                execution = interpreter.codes.run(code, context_id=context)
                assert [execution.logs.stdout, execution.logs.stderr] == lines
                assert execution.text == "'end'"
            count = (interpreter.codes.run("1", context_id=context)).execution_count
            assert count == 5  # nothing ran twice
            interpreter.codes.delete_context(context)


def test_a_command_and_a_cell_see_the_same_files(interpreter: CodeInterpreterSync, shared_context: str) -> None:
    name = f"shared-{os.getpid()}"
    interpreter.codes.run(f"open({name!r}, 'w').write('from a cell')", context_id=shared_context)
    assert interpreter.sandbox.files.read_file(name) == "from a cell"
    assert (interpreter.sandbox.commands.run(f"cat {name}; rm {name}")).stdout == "from a cell"
