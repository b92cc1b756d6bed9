"""Published kernels are started as is better for them, whatever their kernelspec says."""

from __future__ import annotations

import json
import os
from pathlib import Path

from execd.kernel import kernelspecs
from execd.kernel.spec import Spec


def told(folder: Path, *argv: str, **more: object) -> Spec:
    there = folder / "kernels" / "some"
    there.mkdir(parents=True)
    (there / "kernel.json").write_text(json.dumps({"argv": argv, **more}))
    spec = kernelspecs.find("some", "java", {"JUPYTER_PATH": str(folder)})
    assert spec is not None
    return spec


def test_a_launcher_that_starts_whatever_java_is_first_is_left_out(tmp_path: Path) -> None:
    spec = told(tmp_path, "java", "-jar", "/k/jjava-launcher.jar", "/k/jjava.jar", "{connection_file}")
    assert spec.argv[-3:] == ("-jar", "/k/jjava.jar", "{connection_file}")
    assert "-XX:+UseSerialGC" in spec.argv
    assert spec.interrupt == "message"


def test_a_kernel_that_loses_output_is_given_what_gathers_it(tmp_path: Path) -> None:
    spec = told(tmp_path, "node", "/k/tslab/bin/tslab", "kernel", "--config-path", "{connection_file}")
    assert os.path.isfile(spec.envs["NODE_OPTIONS"].removeprefix("--require="))
    assert any("results" in each for each in spec.limits)


def test_what_a_kernelspec_says_itself_goes_first(tmp_path: Path) -> None:
    spec = told(tmp_path, "/k/deno", "jupyter", "--conn", "{connection_file}", env={"NO_COLOR": "0"})
    assert spec.envs == {"NO_COLOR": "0"}


def test_a_kernel_of_which_nothing_is_known_is_left_as_it_is(tmp_path: Path) -> None:
    spec = told(tmp_path, "other", "{connection_file}")
    assert spec.argv == ("{interpreter}", "{connection_file}")
    assert spec.limits == kernelspecs.LIMITS
