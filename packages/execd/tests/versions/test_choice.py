"""The choice of a version: the one that is meant, on PATH by all its names, and nothing else moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.versions.choice import NoSuchVersion, agrees, choose, links, variables
from execd.versions.number import matches, parse
from execd.versions.toolchain import Toolchain

from .machines import Machine

versions = st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)).map(lambda n: ".".join(map(str, n)))


def toolchain(version: str, **about: bool) -> Toolchain:
    return Toolchain(tool="go", version=version, path=f"/opt/go/{version}/bin/go", **about)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@given(
    found=st.lists(st.builds(toolchain, versions, on_path=st.booleans(), prepared=st.booleans()), max_size=6),
    wish=versions,
    length=st.integers(1, 3),
)
def test_what_is_chosen_meets_the_wish_and_is_the_newest_of_the_best(
    found: list[Toolchain], wish: str, length: int
) -> None:
    number = (parse(wish) or ())[:length]
    text = ".".join(map(str, number))
    meant = [each for each in found if matches(number, parse(each.version) or ())]
    if not meant:
        with pytest.raises(NoSuchVersion) as refusal:
            choose("go", text, found)
        assert all(each.version in str(refusal.value) for each in found)
        assert "\n" not in str(refusal.value)
        return
    chosen = choose("go", text, found)
    assert chosen in meant
    alike = [each for each in meant if (each.on_path, each.prepared) == (chosen.on_path, chosen.prepared)]
    assert parse(chosen.version) == max(parse(each.version) or () for each in alike)
    assert chosen.on_path or not any(each.on_path for each in meant)


def test_seventeen_is_not_one_hundred_and_seventy(machine: Machine) -> None:
    machine.java("/opt/jdk-170", "170.0.1")
    with pytest.raises(NoSuchVersion, match=r"JAVA_VERSION: java 17 is not installed; installed: 170\.0\.1"):
        choose("java", "17", machine.found("java"))


def test_one_that_cells_can_run_in_comes_before_one_on_path_that_they_cannot() -> None:
    ours = toolchain("3.12.1", prepared=True)
    assert choose("python", "3.12", [toolchain("3.12.9", on_path=True, complete=False), ours]) == ours
    assert choose("python", "3.12", [toolchain("3.12.0", on_path=True), ours]).on_path


@pytest.mark.parametrize("wish", ["latest", "lts/*", "3.12; rm", "\n3"])
def test_a_wish_that_is_no_version_is_refused_in_one_line(wish: str) -> None:
    if parse(wish) is None:
        with pytest.raises(NoSuchVersion, match=r"NODE_VERSION: .* is no version of node; installed: none") as refusal:
            choose("node", wish, [])
        assert "\n" not in str(refusal.value)


def test_a_directory_of_its_own_is_put_in_front_as_it_is(machine: Machine) -> None:
    machine.python("/home/u/.pyenv/versions/3.12.1/bin/python3", "3.12.1")
    machine.python("/usr/bin/python3", "3.11.2")
    chosen = choose("python", "3.12", machine.found("python"))
    assert links(chosen) == {}
    assert not agrees(chosen, machine.places)
    machine.path.insert(0, "/home/u/.pyenv/versions/3.12.1/bin")
    assert agrees(chosen, machine.places)


def test_a_directory_that_lacks_a_name_is_stood_for_by_links(machine: Machine) -> None:
    path = machine.python("/opt/python/3.12/bin/python3", "3.12.1", also=[])
    pip = machine.put("/opt/python/3.12/bin/pip3")
    chosen = choose("python", "3.12", machine.found("python"))
    assert links(chosen) == {"python3": path, "python": path, "pip3": pip}


def test_what_path_gives_under_one_name_only_does_not_agree(machine: Machine) -> None:
    machine.python("/usr/bin/python3", "3.11.2", also=[])
    machine.python("/usr/bin/python2", "2.7.18")
    assert not agrees(choose("python", "3.11", machine.found("python")), machine.places)


def test_of_several_in_one_directory_the_chosen_one_gets_every_name(machine: Machine) -> None:
    machine.python("/opt/python3/bin/python3.10", "3.10.1", also=["python3", "python"])
    path = machine.python("/opt/python3/bin/python3.12", "3.12.4", also=[])
    pip = machine.put("/opt/python3/bin/pip3.12")
    linked = links(choose("python", "3.12", machine.found("python")))
    assert linked == {
        **dict.fromkeys(("python", "python3", "python3.12"), path),
        **dict.fromkeys(("pip", "pip3", "pip3.12"), pip),
    }


def test_java_is_told_where_it_is_and_go_is_kept_from_becoming_another() -> None:
    java = Toolchain(tool="java", version="17.0.9", path="/opt/jdk-17/bin/java")
    assert variables(java, {}) == {"JAVA_HOME": "/opt/jdk-17"}
    assert variables(toolchain("1.22.1"), {}) == {}
    changed = variables(toolchain("1.22.1"), {"GOROOT": "/usr/local/go", "GOTOOLCHAIN": "go1.26.8"})
    assert changed == {"GOROOT": "/opt/go/1.22.1", "GOTOOLCHAIN": "local"}


def test_another_environment_of_python_is_forgotten_and_its_own_named(machine: Machine) -> None:
    machine.python("/venv/bin/python3", "3.12.1")
    machine.path.insert(0, "/venv/bin")
    (chosen,) = machine.found("python")
    assert variables(chosen, {}) == {"VIRTUAL_ENV": None, "PYTHONHOME": None}
    machine.put("/venv/pyvenv.cfg", "")
    (chosen,) = machine.found("python")
    assert variables(chosen, {})["VIRTUAL_ENV"] == str(machine.root / "venv")
