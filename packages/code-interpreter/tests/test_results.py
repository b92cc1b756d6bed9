"""Values are as useful as they look: forms of results, reprs, pickles, notebooks."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from code_interpreter import CodeContext, InputRequest, Result, SupportedLanguage
from opensandbox.results import Execution

from .core.test_execution import execution_of
from .worlds import done, failed, init, out, shown

FORMS: dict[str, str] = {
    "text/plain": "t", "text/html": "<b>", "text/markdown": "# m", "text/latex": "$l$", "image/svg+xml": "<svg/>",
    "image/png": "iVBO", "image/jpeg": "/9j/", "application/pdf": "JVBE", "application/json": '{"a":[1]}',
    "application/x-own": "o",
}  # fmt: skip


def test_each_form_has_a_property_and_binary_ones_are_bytes() -> None:
    result = Result(mime=FORMS, values={"application/json": {"a": [1]}})
    assert (result.text, result.html, result.markdown, result.latex, result.svg) == (
        "t", "<b>", "# m", "$l$", "<svg/>",
    )  # fmt: skip
    assert (result.png, result.jpeg, result.pdf) == (b"\x89PN", b"\xff\xd8\xff", b"%PD")
    assert result.json == {"a": [1]}
    assert result.mime["application/x-own"] == "o"


def test_a_form_that_is_not_there_is_none() -> None:
    result = Result(mime={})
    forms: list[Any] = [
        result.text, result.html, result.markdown, result.latex, result.svg, result.png, result.jpeg, result.pdf,
        result.json,
    ]  # fmt: skip
    assert forms == [None] * 9


def test_json_is_read_from_its_text_where_there_is_no_value() -> None:
    assert Result(mime={"application/json": "[1, null]"}).json == [1, None]
    assert Result(mime={"application/json": "null"}, values={"application/json": None}).json is None


def test_a_notebook_gets_what_the_kernel_gave() -> None:
    result = Result(mime=FORMS, values={"application/json": {"a": [1]}}, metadata={"image/png": {"width": 7}})
    bundle, metadata = result._repr_mimebundle_(include=None, exclude=None)
    assert bundle == {**FORMS, "application/json": {"a": [1]}}
    assert metadata == {"image/png": {"width": 7}}


def test_results_look_like_what_they_are() -> None:
    assert repr(Result(mime={"text/plain": "4"})) == "Result('4')"
    assert repr(Result(mime={"text/plain": "4", "image/png": "iVBO"})) == "Result('4', image/png)"
    assert len(repr(Result(mime={"text/plain": "x" * 10_000}))) < 120
    said = repr(execution_of(init("c1"), out("hi\n"), shown("4"), done(3)))
    assert said == "CodeExecution(id='c1', cause='completed', text='4', stdout='hi\\n', result=[Result('4')])"
    assert "error='ZeroDivisionError: division by zero'" in repr(execution_of(init(), failed()))


def test_the_text_is_that_of_the_last_expression() -> None:
    execution = execution_of(init(), shown("displayed", is_main=False), shown("4"), done())
    assert execution.text == "4"
    assert [each.text for each in execution.result] == ["displayed", "4"]
    assert execution_of(init(), shown("displayed", is_main=False), done()).text is None


def test_printing_the_logs_shows_a_list_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    execution = execution_of(init(), out("one\ntwo\n"), done(8))
    print(execution.logs.stdout, execution.logs.stderr)  # noqa: T201 - that is what is tried
    assert capsys.readouterr().out == "['one', 'two'] []\n"
    assert execution.logs.stdout[0].text == "one"
    assert execution.logs.stdout[0].timestamp.timestamp() == 1
    assert execution.logs.stdout[0].upper() == "ONE"


def test_an_execution_of_code_is_an_execution() -> None:
    execution = execution_of(init(), out("hi\n"), shown("4"), done(3))
    assert isinstance(execution, Execution)
    assert execution.stdout_bytes == b"hi\n"
    assert pickle.loads(pickle.dumps(execution)) == execution


def test_values_pickle_with_all_they_know() -> None:
    question = InputRequest("pin? ", is_password=True)
    for value in (question, CodeContext(context_id="c", language="go"), Result(mime=FORMS), SupportedLanguage.GO):
        assert pickle.loads(pickle.dumps(value)) == value
    assert pickle.loads(pickle.dumps(question)).is_password
    assert copy.copy(question).is_password


def test_languages_and_contexts_are_as_good_as_their_names() -> None:
    assert SupportedLanguage("python") is SupportedLanguage.PYTHON
    assert {str(language) for language in SupportedLanguage} == {
        "python", "java", "javascript", "typescript", "go", "bash",
    }  # fmt: skip
    assert str(CodeContext(context_id="c1", language="python")) == "c1"
