"""What kernels need is made by recipes: in steps, whole or not at all, and by this machine's own programs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.kernel.installing.means import Means, Missing, reason
from execd.kernel.installing.pins import newest
from execd.kernel.installing.preparing import prepare
from execd.kernel.installing.recipes import RECIPES, Recipe
from execd.kernel.installing.wanted import Wanted, wanted
from execd.kernel.interpreter import Interpreter
from execd.kernel.spec import ALIASES, Spec
from execd.kernel.specs import BASH, SPECS
from execd.settings import UsageError

ROOM = "{kernels}/made-{version}"
SPEC = replace(BASH, kernel="ours", needs=(f"{ROOM}/a", f"{ROOM}/b"))
FOUND = Interpreter("/bin/sh", "1.2", "")


def script(text: str) -> tuple[str, ...]:
    return ("{interpreter}", "-c", text)


def make(place: Path, recipe: Recipe, spec: Spec = SPEC) -> str:
    means = Means(environment={"PATH": os.defpath}, kernels=str(place), root=False)
    return asyncio.run(prepare(means, spec, recipe, FOUND))


def test_steps_are_run_in_the_new_directory_and_the_rest_in_its_place(tmp_path: Path) -> None:
    recipe = Recipe(
        place=ROOM,
        steps=(script('test "$PWD" = {out} && echo {version} $ROOM > a'),),
        finish=(script("test {out} = " + ROOM + " && cp a b"),),
        envs={"ROOM": "{out}/room"},
    )
    place = make(tmp_path, recipe)
    assert place == str(tmp_path / "made-1.2")
    first, second = Path(place, "a").read_text().split()
    assert (first, second.rpartition("/")[2]) == ("1.2", "room")
    assert sorted(os.listdir(place)) == ["a", "b"]
    assert os.listdir(tmp_path) == ["made-1.2"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([script("echo building; echo error: no luck >&2; exit 3")], "sh failed: error: no luck"),
        ([script("echo > a"), script("kill -9 $$")], "sh failed"),
        ([("/no/such/program",)], "program cannot be run: No such file or directory"),
    ],
)
def test_a_step_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, steps: Sequence[tuple[str, ...]], said: str
) -> None:
    with pytest.raises(Missing, match=said):
        make(tmp_path, Recipe(place=ROOM, steps=tuple(steps)))
    assert os.listdir(tmp_path) == []


def test_a_recipe_that_does_not_make_what_is_needed_is_told(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="/b was not made"):
        make(tmp_path, Recipe(place=ROOM, steps=(script("echo > a"),)))


def test_a_program_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="bash needs no-such-compiler"):
        make(tmp_path, Recipe(place=ROOM, asks=("no-such-compiler",)))


def test_a_step_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"sh has taken more than 0\.1 s"):
        make(tmp_path, Recipe(place=ROOM, steps=(script("sleep 60"),), limit_s=0.1))


def test_every_recipe_makes_what_its_kernel_needs_and_where_it_says() -> None:
    kernels = {spec.kernel: spec for specs in SPECS.values() for spec in specs}
    for kernel, recipe in RECIPES.items():
        needs = kernels[kernel].needs
        assert needs, kernel
        assert all(needed.startswith((f"{recipe.place}/", "{kernels}/")) for needed in needs)
        assert any(needed.startswith(recipe.place) for needed in needs)


# ── what is asked for, and what is said ──────────────────────────────────────────────────────────────────────────────


def test_everything_is_wanted_unless_something_is_named() -> None:
    assert [each.language for each in wanted([])] == list(dict.fromkeys(ALIASES.values()))
    assert wanted(["js@22", "py", "go@1.22", "py"]) == [
        Wanted("javascript", "22"),
        Wanted("python", None),
        Wanted("go", "1.22"),
    ]


@pytest.mark.parametrize("word", ["cobol", "python@", "python@latest", "bash@5", "@3", "go@../x"])
def test_what_is_no_language_or_no_version_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as refusal:
        wanted([word])
    assert "\n" not in str(refusal.value)


@given(st.lists(st.text(alphabet="ab error\n", max_size=20)).map("\n".join))
def test_a_reason_is_one_of_the_lines(text: str) -> None:
    said = reason(text)
    assert "\n" not in said
    assert said == "" or said in text


def test_the_line_that_tells_is_taken_and_not_the_one_about_a_log() -> None:
    text = "npm error code E404\nnpm error 404 Not Found: x@1\nnpm error A complete log of this run: /root/x.log\n"
    assert reason(text) == "npm error 404 Not Found: x@1"


def test_the_newest_of_what_a_wish_leaves_open_is_taken() -> None:
    listed = ["1.22.2", "1.22.12", "1.2.9", "1.23.0"]
    assert newest((1, 22), listed) == "1.22.12"
    assert newest((1, 24), listed) is None
