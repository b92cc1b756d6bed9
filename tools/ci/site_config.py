"""Collect this machine's settings of package clients for an image build: `python3 site_config.py OUT`.

OUT is a file of shell lines for the optional BuildKit secret `site`, which a build step that needs the network reads
first. It holds what pip and apt are told here at this moment: certificates, proxies, indexes. Nothing of it ends up in
an image. Where a machine has no settings of its own there is no OUT. Needs nothing but Python.
"""

from __future__ import annotations

import base64
import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 500 * 1024  # BuildKit refuses larger secrets
CA_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
SYSTEM_CA: Final = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL_CAS: Final = Path("/usr/local/share/ca-certificates")
PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
PASSED_ON: Final = (*PROXIES, *(name.upper() for name in PROXIES), "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES")
PIP_KEYS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy")  # `cert` and `find-links` are paths of here
APT_KEYS: Final = re.compile(r"Acquire::(https?::|Check-|Retries|ForceIPv)", re.IGNORECASE)
SUITES: Final = "(-updates|-security)?"


def said_by(*command: str) -> str:
    """Return what a program prints; nothing where it is missing or fails."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else ""


def ca_bundle() -> str:
    """Return the certificates that clients trust here, where they are not those of a stock system."""
    for path in [Path(os.environ[name]) for name in CA_VARIABLES if os.environ.get(name)]:
        if path.is_file():
            return path.read_text(errors="replace")
    has_own = SYSTEM_CA.is_file() and any(LOCAL_CAS.glob("**/*.crt"))
    return SYSTEM_CA.read_text(errors="replace") if has_own else ""


def variables() -> dict[str, str]:
    """Return the proxies, and pip's configuration as variables."""
    found = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    for line in said_by(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in PIP_KEYS:
            found["PIP_" + key.upper().replace("-", "_")] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def apt_options() -> str:
    """Return apt's options of the way to the mirror; the others are settings of the machine."""
    lines = said_by("apt-config", "dump").splitlines()
    return "\n".join(line for line in lines if APT_KEYS.match(line) and "CAInfo" not in line)


def codename() -> str:
    """Return the distribution's codename: its mirrors serve an image of the same one only."""
    release = Path("/etc/os-release")
    found = re.search(r"^VERSION_CODENAME=(\S+)", release.read_text(), re.MULTILINE) if release.exists() else None
    return found[1] if found else ""


def apt_sources(code: str) -> str:
    """Return the lines of the distribution's own suites."""
    lines: list[str] = []
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.is_file():
            pattern = rf"deb\s+(\[[^]]*\]\s+)?\S+\s+{code}{SUITES}\s"
            lines += [line for line in path.read_text().splitlines() if re.match(pattern, line)]
        elif path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", path.read_text()):
                lines += _one_line_style(dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.MULTILINE)), code)
    return "\n".join(dict.fromkeys(lines))


def _one_line_style(stanza: dict[str, str], code: str) -> list[str]:
    suites = [suite for suite in stanza.get("Suites", "").split() if re.fullmatch(code + SUITES, suite)]
    components = stanza.get("Components", "main")
    uris = stanza.get("URIs", "").split() if "deb" in stanza.get("Types", "").split() else []
    return [f"deb {uri} {suite} {components}" for uri in uris for suite in suites]


def unpacked(name: str, text: str) -> str:
    """Return the lines that make a file of this text; packed, because a bundle of certificates is large."""
    packed = base64.encodebytes(gzip.compress(text.rstrip("\n").encode() + b"\n", mtime=0)).decode()
    return f"base64 -d <<'EOF' | gzip -dc >\"$site/{name}\"\n{packed}EOF"


def script() -> str:
    """Return the secret, empty where there is nothing to tell."""
    code = codename()
    given = {"ca.pem": ca_bundle(), "apt.conf": apt_options(), "sources.list": apt_sources(code) if code else ""}
    files = {name: text for name, text in given.items() if text.strip()}
    exports = variables()
    if not files and not exports:
        return ""
    lines = ["site=$(mktemp -d -p /dev/shm)", "trap 'rm -rf \"$site\"' EXIT"]
    lines += [unpacked(name, text) for name, text in files.items()]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(exports.items())]
    if "ca.pem" in files:
        lines += [f'export {name}="$site/ca.pem"' for name in CA_VARIABLES]
        lines += ['echo "Acquire::https::CAInfo \\"$site/ca.pem\\";" >>"$site/apt.conf"']
    if "sources.list" in files:
        options = r"""printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\n' "$site/sources.list" """
        same = f"grep -q '^VERSION_CODENAME={code}$' /etc/os-release"
        lines += [f'if {same}; then {options}>>"$site/apt.conf"; fi']
    lines += ['if [ -s "$site/apt.conf" ]; then export APT_CONFIG="$site/apt.conf"; fi']
    return "\n".join(lines) + "\n"


def main(out: str) -> None:
    """Write the secret, for nobody else to read."""
    text = script()
    if len(text) > MAX_BYTES:
        sys.exit(f"site_config.py: {len(text)} bytes are more than a secret may have")
    if text:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
