"""The tree of what can go wrong."""

from __future__ import annotations

import pickle

import pytest

from opensandbox import exceptions
from opensandbox._core.decode import by_code
from opensandbox.exceptions import SandboxException

ALL = sorted(by_code(SandboxException).values(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", ALL)
def test_every_exception_pickles_with_what_it_knows(kind: type[SandboxException]) -> None:
    before = kind("it went wrong", code="X", details={"a": [1]}, request_id="r")
    before.retry_after_s = 2
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind
    assert (str(after), after.error, after.request_id, after.retry_after_s) == ("it went wrong", before.error, "r", 2)


@pytest.mark.parametrize("kind", ALL)
def test_details_are_always_a_dict_and_the_code_is_the_classs(kind: type[SandboxException]) -> None:
    error = kind("m").error
    assert (error.code, error.message, error.details) == (kind.code, "m", {})
    assert repr(kind("m")) == f"{kind.__name__}('m')"


def test_codes_are_owned_by_one_class_each() -> None:
    below = [
        kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, SandboxException)
    ]
    assert len({kind.code for kind in below}) == len(below)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (exceptions.FileNotFoundException, FileNotFoundError),
        (exceptions.PermissionDeniedException, PermissionError),
        (exceptions.PathExistsException, FileExistsError),
        (exceptions.IsADirectoryException, IsADirectoryError),
        (exceptions.NotADirectoryException, NotADirectoryError),
        (exceptions.RequestTimeoutException, TimeoutError),
        (exceptions.ExecutionTimeoutException, TimeoutError),
        (exceptions.StreamInterruptedException, ConnectionError),
    ],
)
def test_pythons_own_words_catch_too(kind: type[SandboxException], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match="m"):
        raise kind("m")


def test_the_three_questions_divide_the_tree() -> None:
    roots = (
        exceptions.SandboxConnectionException,
        exceptions.SandboxApiException,
        exceptions.ProgramException,
    )
    for kind in ALL:
        if kind not in {SandboxException, *roots}:
            assert sum(issubclass(kind, root) for root in roots) == 1, kind
