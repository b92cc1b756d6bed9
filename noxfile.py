"""Every check by one name: `python3 noxfile.py` is the fast gate, `-s NAME` one session of it, `-l` the list.

A bare Python 3.11 is enough. nox itself and every environment come from the pins in tools/constraints, live in `.nox`,
and are made again when their pins change.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGES = ("packages/execd", "packages/sdk", "packages/code-interpreter", "conformance")
CLIENTS = ("packages/sdk", "packages/code-interpreter", "conformance")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
WITH_SOURCES = ("dev", "run")  # these environments see the packages' sources, the others do not
IMAGE = "execd:dev"
INTERPRETER = "execd-code-interpreter:dev"  # on it, with six languages
NO_ENGINE = 77  # docker.sh: there is no container engine and none can be had

# What each check runs, as arguments of the environment's Python; tests/checks plants a violation and runs the same.
CHECKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "lint": (("-m", "ruff", "check", "."), ("-m", "ruff", "format", "--check", ".")),
    "types": (
        ("-m", "mypy"),
        ("-m", "mypy", "packages/code-interpreter/tests"),
        ("-m", "pyright"),
        ("-m", "pyright", "--verifytypes", "opensandbox", "--ignoreexternal"),
        ("-m", "pyright", "--verifytypes", "code_interpreter", "--ignoreexternal"),
    ),
    "imports": (("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"),),
    "generated": (("tools/check_generated.py",), ("tools/document_settings.py", "--check"), ("tools/requirements.py",)),
}


def environment(pins: str, *, python: str = sys.executable) -> str:
    """Return the Python of an environment that holds exactly what `tools/constraints/PINS.txt` says."""
    version = subprocess.check_output([python, "-VV"], text=True)
    locked = ROOT / "tools" / "constraints" / f"{pins}.txt"
    wanted = hashlib.sha256(f"{version} {ROOT} {PACKAGES} {locked.read_text()}".encode()).hexdigest()
    home = ROOT / ".nox" / f"{pins}-{'.'.join(version.split()[1].split('.')[:2])}"
    inside, stamp = str(home / "bin" / "python"), home / "made-from"
    if stamp.exists() and stamp.read_text() == wanted:
        return inside
    print(f"making {home.relative_to(ROOT)}", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", home], check=True)
    pip = [inside, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "--requirement", locked], check=True)
    if pins in WITH_SOURCES:
        site = next(home.glob("lib/python*/site-packages"))
        (site / "sources.pth").write_text("".join(f"{ROOT / package / 'src'}\n" for package in PACKAGES))
    stamp.write_text(wanted)
    return inside


def start() -> None:
    """Run nox on this file, in an environment made for it where this Python has none; does not return."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a bare Python may be older than what the project asks for
        sys.exit(f"This is Python {sys.version.split()[0]}; the project needs 3.11 or newer.")
    if importlib.util.find_spec("nox"):
        python = sys.executable
    elif importlib.util.find_spec("ensurepip"):
        python = environment("nox")
    else:
        package = "python{}.{}-venv".format(*sys.version_info)
        sys.exit(f"This Python cannot make environments: install its venv package (Debian: apt-get install {package}).")
    os.chdir(ROOT)
    os.execv(python, [python, "-m", "nox", "--noxfile", __file__, *sys.argv[1:]])


if __name__ == "__main__":
    start()

import nox  # noqa: E402 - the line above works without it
from nox.command import CommandFailed  # noqa: E402 - the same

nox.needs_version = ">=2025"
nox.options.default_venv_backend = "none"
nox.options.sessions = [*CHECKS, "tests"]


def installed() -> dict[str, str]:
    """Find an interpreter that works for each supported Python: this one, one on PATH, or the newest of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in PYTHONS:
        for candidate in (sys.executable, f"python{version}", *sorted(pyenv.glob(f"{version}.*/bin/python"))[::-1]):
            if _is_python(version, str(candidate)):
                found[version] = str(candidate)
                break
    return found


def _is_python(version: str, candidate: str) -> bool:
    ask = "import ensurepip, sys; print('{}.{}'.format(*sys.version_info))"
    try:
        answer = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


@nox.session
def fmt(session: nox.Session) -> None:
    """Format, and mend what can be mended."""
    python = environment("dev")
    session.run(python, "-m", "ruff", "format", ".")
    session.run(python, "-m", "ruff", "check", "--fix", ".")


def check(session: nox.Session) -> None:
    """Run the commands of one of CHECKS."""
    python = environment("dev")
    for command in CHECKS[session.name]:
        session.run(python, *command, env=on_path(python))


def on_path(python: str) -> dict[str, str]:
    """Return a PATH that begins with an interpreter's folder: pyright asks the `python` that it finds there."""
    return {"PATH": f"{Path(python).parent}:{os.environ['PATH']}"}


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    check(session)


@nox.session
def types(session: nox.Session) -> None:
    """Check types: all code with mypy --strict, the public API with pyright."""
    check(session)


@nox.session
def imports(session: nox.Session) -> None:
    """Check the arrows between rooms."""
    check(session)


@nox.session
def generated(session: nox.Session) -> None:
    """Check that generated files and served routes are what their sources say."""
    check(session)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test loop on this Python, or what is named after `--`."""
    session.run(environment("dev"), "-m", "pytest", *(session.posargs or ("-n", "auto")))


@nox.session
def build(session: nox.Session) -> None:
    """Leave the wheels in dist/."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    command = (environment("dev"), "-m", "build", "--no-isolation", "--outdir", "dist")
    for package in PACKAGES:
        session.run(*command, package, silent=True)


@nox.session
def everywhere(session: nox.Session) -> None:
    """Run the tests on every installed Python, with nothing of this tree but the wheels in dist/.

    All of them, the slow ones too, on the newest. On the others those of the client packages, each of which starts real
    daemons and kernels: the gate has run the daemon's own on the oldest already, and a machine has only so long. CI
    leaves out the gate's own Python: in the images the wheels are run by Debian's 3.11.
    """
    failed = []
    pythons = installed()
    newest = list(pythons)[-1]
    mine = "{}.{}".format(*sys.version_info)
    for version, python in pythons.items():
        if version == mine != newest and os.environ.get("CI"):
            continue
        inside = environment("tests", python=python)
        wheels = [str(wheel) for wheel in (ROOT / "dist").glob("*.whl")]
        session.run(inside, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", *wheels)
        session.run(inside, "-m", "pip", "check")
        try:
            chosen = ("-m", "") if version == newest else ()
            folders = [f"{package}/tests" for package in (PACKAGES if version == newest else CLIENTS)]
            session.run(inside, "-m", "pytest", "-n", "auto", *chosen, *folders)
        except CommandFailed:
            failed.append(version)
    if failed:
        session.error(f"tests failed on Python {', '.join(failed)}")


@nox.session
def planted(session: nox.Session) -> None:
    """Run the slow tests of checks, tools and README, which need this tree."""
    session.run(environment("dev"), "-m", "pytest", "-n", "auto", "-m", "slow", "tests")


def has_image(session: nox.Session, step: str = "image") -> bool:
    """Build an image by a step of docker.sh; return False where no engine can be had, unless everything is required."""
    status = subprocess.run([ROOT / "tools" / "ci" / "docker.sh", step], check=False).returncode
    if status == NO_ENGINE and os.environ.get("EXECD_REQUIRE_ALL") != "1":
        session.warn(f"no {step}: what needs a container is left out")
        return False
    if status:
        session.error(f"the {step} could not be built, or does not work")
    return True


@nox.session
def image(session: nox.Session) -> None:
    """Build execd:dev, in a container engine that answers or that can be started here."""
    has_image(session)


@nox.session(name="interpreter-image")
def interpreter_image(session: nox.Session) -> None:
    """Build execd-code-interpreter:dev, and hold it to the whole contract, its six languages to all of their own."""
    if has_image(session, "interpreter"):
        suite = (environment("dev"), "-m", "execd_conformance", "--target", f"docker:{INTERPRETER}")
        languages = ("--languages", "python,bash,javascript,typescript,java,go")
        session.run(*suite, *languages, "-n", "4", env={"EXECD_REQUIRE_ALL": "1"})


def commit() -> int:
    """Return a number of the commit that is checked out, 0 where nothing tells."""
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return int(told.strip() or "0", 16)


@nox.session
def conformance(session: nox.Session) -> None:
    """Hold the daemon to its contract here, and prove the suite by mutants; or do what `--` says.

    In its images it is held to it by `interpreter-image`, whose image stands on execd:dev; of that one by itself the
    scenarios of containers are run. CI takes half of the mutants for a commit, and the other half for others.
    """
    suite = (environment("dev"), "-m", "execd_conformance")
    if session.posargs:
        session.run(*suite, *session.posargs)
        return
    containers = [("--target", f"docker:{IMAGE}", "--only", "container_")] if has_image(session) else []
    failed = []
    # The other languages are looked at in the image that has them all.
    languages = ("--languages", "python,bash")
    mutants = ("mutants", *(("--part", f"{1 + commit() % 2}/2") if os.environ.get("CI") else ()))
    for arguments in (("--target", "local", *languages), *((*each, *languages) for each in containers), mutants):
        try:  # most of a scenario is waiting: more of them at once than processors
            session.run(*suite, *arguments, "-n", "4", env={"EXECD_REQUIRE_ALL": "1"})
        except CommandFailed:
            failed.append(" ".join(arguments))
    if failed:
        session.error(f"does not stand: {', '.join(failed)}")


@nox.session
def demo(session: nox.Session) -> None:
    """Show what works, on real processes and sockets."""
    session.run(environment("run"), "demo/demo.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print ratios to floors that are measured in the same run."""
    session.run(environment("run"), "-m", "benchmarks", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Load a daemon for an hour (`-- --minutes N`), and see that it has not grown."""
    session.run(environment("run"), "-m", "benchmarks.soak", *session.posargs)


@nox.session
def ci(session: nox.Session) -> None:
    """Run everything, where a missing prerequisite is a failure; `-- --after-gate` leaves out the fast gate."""
    os.environ["EXECD_REQUIRE_ALL"] = "1"
    gate = () if "--after-gate" in session.posargs else (*CHECKS, "tests")
    for name in (*gate, "planted", "build", "image", "everywhere", "conformance", "interpreter-image", "demo"):
        session.notify(name, posargs=())
    session.notify("bench", posargs=("--quick",))
