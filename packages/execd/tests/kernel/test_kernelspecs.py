"""Kernelspecs: where they are looked for, and what they are taken for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from execd.errors import InternalFault
from execd.kernel.kernelspecs import find, names
from execd.kernel.languages import Languages


def install(directory: Path, name: str, **told: Any) -> Path:
    place = directory / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(told))
    return place


def test_a_kernelspec_is_found_beside_the_programs_of_path_and_where_users_have_theirs(tmp_path: Path) -> None:
    install(tmp_path / "venv" / "share" / "jupyter", "one", argv=["a"])
    install(tmp_path / "home" / ".local" / "share" / "jupyter", "two", argv=["b"])
    install(tmp_path / "more", "three", argv=["c"])
    environment = {
        "PATH": f"{tmp_path}/venv/bin:/none",
        "HOME": f"{tmp_path}/home",
        "JUPYTER_PATH": f"/none:{tmp_path}/more",
    }
    assert {"one", "two", "three"} <= set(names(environment))
    assert [find(name, "go", environment) is not None for name in ("one", "two", "three", "four")] == [True] * 3 + [
        False
    ]


def test_what_a_kernelspec_tells_is_taken_over(tmp_path: Path) -> None:
    place = install(
        tmp_path, "k", argv=["java", "-jar", "{resource_dir}/k.jar", "{connection_file}"],
        interrupt_mode="message", env={"A": "1"},
    )  # fmt: skip
    spec = find("k", "java", {"JUPYTER_PATH": str(tmp_path)})
    assert spec is not None
    assert spec.argv == ("{interpreter}", "-jar", f"{place}/k.jar", "{connection_file}")
    assert (spec.interpreter, spec.interrupt, spec.transport, spec.envs) == ("java", "message", "tcp", {"A": "1"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"argv": []}', '{"argv": "x"}', '{"argv": [1]}', "{"])
def test_a_kernelspec_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (install(tmp_path, "k") / "kernel.json").write_text(text)
    assert find("k", "go", {"JUPYTER_PATH": str(tmp_path)}) is None
    assert find("../kernels/k", "go", {"JUPYTER_PATH": str(tmp_path)}) is None


async def test_a_preferred_kernel_serves_where_it_is_installed(tmp_path: Path) -> None:
    install(tmp_path, "mine", argv=[sys.executable, "-m", "mine", "{connection_file}"])
    environment = {"JUPYTER_PATH": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

    def languages(*preferred: tuple[str, str]) -> Languages:
        return Languages(lambda envs: {**environment, **envs}, str(tmp_path), default=None, preferred=preferred)

    assert (await languages().spec("sh", {})).kernel == "bash"
    assert (await languages(("bash", "none"), ("bash", "mine")).spec("bash", {})).kernel == "mine"
    assert (await languages(("go", "mine")).spec("golang", {})).kernel == "mine"
    # A machine may have more: Node alone is enough for JavaScript.
    assert {"python", "bash", "go"} <= set(await languages(("go", "mine")).installed())
    infos = {info.name: info.kernel.split()[0] for info in await languages(("go", "mine")).infos()}
    assert (infos["python"], infos["bash"], infos["go"]) == ("ipykernel", "bash", "mine")


async def test_while_nobody_can_be_asked_the_languages_are_those_of_the_last_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    languages = Languages(lambda _: {"PATH": "/usr/bin:/bin"}, "/", default=None)
    before = await languages.installed()

    async def full(*_: object) -> None:
        raise InternalFault("python3 cannot be asked for its kernel: Resource temporarily unavailable")

    monkeypatch.setattr(languages, "interpreter", full)
    assert before
    assert await languages.installed() == before
