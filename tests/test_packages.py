"""What the distributions promise about themselves, and the image about its own."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import noxfile

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [ROOT / package for package in noxfile.PACKAGES]
every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)


def project(package: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return table


@every_package
def test_a_package_tells_type_checkers_that_it_is_typed(package: Path) -> None:
    assert len(list(package.glob("src/*/py.typed"))) == 1


@every_package
def test_a_package_carries_the_license_of_the_whole(package: Path) -> None:
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@every_package
def test_a_package_says_the_same_about_pythons_as_the_others(package: Path) -> None:
    wanted = [f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)]
    assert project(package)["requires-python"] == ">=3.11"
    assert [each for each in project(package)["classifiers"] if each in wanted] == wanted


@every_package
def test_what_a_package_needs_is_pinned(package: Path) -> None:
    held_by = "tests" if package.name == "conformance" else "run"
    pins = (ROOT / "tools" / "constraints" / f"{held_by}.txt").read_text()
    ours = {project(each)["name"] for each in PACKAGES}
    extras = project(package).get("optional-dependencies", {}).values()
    asked = chain(project(package)["dependencies"], *extras)
    names = {re.split(r"[<>=\[]", requirement)[0].replace("_", "-") for requirement in asked}
    assert {name for name in names - ours if f"\n{name}==" not in f"\n{pins}"} == set()


def test_every_package_is_built_and_tested() -> None:
    assert {path.parent for path in ROOT.glob("*/pyproject.toml")} | {
        path.parent for path in ROOT.glob("packages/*/pyproject.toml")
    } == set(PACKAGES)


def test_the_image_says_the_version_of_its_daemon() -> None:
    version = re.search(r'__version__ = "(.*)"', (ROOT / "packages/execd/src/execd/__init__.py").read_text())
    assert version is not None
    assert f"\nARG VERSION={version[1]}\n" in (ROOT / "docker" / "execd.Dockerfile").read_text()


def test_pins_name_no_index_and_hash_everything() -> None:
    for pins in (ROOT / "tools" / "constraints").glob("*.txt"):
        text = pins.read_text()
        assert "://" not in text
        assert "index" not in text
        assert all("--hash=sha256:" in block for block in text.replace("\\\n", "").splitlines() if "==" in block)
