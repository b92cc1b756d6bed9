"""Collect this machine's settings of package clients for an image build: `python3 site_config.py OUT`.

OUT is a file of shell lines for the optional BuildKit secret `site`, which a build step that needs the network reads
first. It holds what pip, npm, go and apt are told here at this moment: certificates, proxies, indexes. Nothing of it
ends up in an image. Where a machine has no settings of its own there is no OUT. Needs nothing but Python.
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
CA_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
SYSTEM_CA: Final = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL_CAS: Final = Path("/usr/local/share/ca-certificates")
PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
PIP_KEYS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy")  # `cert` and `find-links` are paths of here
NPM_KEYS: Final = ("registry", "proxy", "https-proxy", "noproxy")
GO_KEYS: Final = ("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE")
PASSED_ON: Final = (
    *PROXIES,
    *(name.upper() for name in PROXIES),
    *("PIP_" + key.upper().replace("-", "_") for key in (*PIP_KEYS, "default-timeout", "retries")),
    *("NPM_CONFIG_" + key.upper().replace("-", "_") for key in NPM_KEYS),
    *GO_KEYS,
)
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
    """Return the proxies, and what clients are configured to, as variables; the environment wins, as for them."""
    given = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    return {
        **pip_variables(said_by(sys.executable, "-m", "pip", "config", "list")),
        **npm_variables(said_by("npm", "config", "list")),
        **go_variables(said_by("go", "env", "-changed")),
        **given,
    }


def pip_variables(listing: str) -> dict[str, str]:
    """Return what `pip config list` says of the ways to an index."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in PIP_KEYS:
            found["PIP_" + key.upper().replace("-", "_")] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def npm_variables(listing: str) -> dict[str, str]:
    """Return what `npm config list` says of the ways to a registry; it lists what differs from the defaults."""
    found = re.findall(rf'^({"|".join(NPM_KEYS)}) = "(.*)"', listing, re.MULTILINE)
    return {"NPM_CONFIG_" + key.upper().replace("-", "_"): value for key, value in found}


def go_variables(listing: str) -> dict[str, str]:
    """Return what `go env -changed` says of the ways to modules; an older go says nothing."""
    return {name: value for name, value in re.findall(r"^(\w+)='(.*)'$", listing, re.MULTILINE) if name in GO_KEYS}


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
            lines += from_lines(path.read_text(), code)
        elif path.suffix == ".sources" and path.is_file():
            lines += from_stanzas(path.read_text(), code)
    return "\n".join(dict.fromkeys(lines))


def from_lines(text: str, code: str) -> list[str]:
    """Return the lines of a `.list`; without `signed-by`, whose file is one of this machine."""
    pattern = re.compile(rf"deb\s+(?:\[([^]]*)\]\s+)?(https?://\S+\s+{code}{SUITES}\s.*)")
    lines: list[str] = []
    for found in filter(None, map(pattern.match, text.splitlines())):
        options = [word for word in (found[1] or "").split() if not word.lower().startswith("signed-by=")]
        lines.append(" ".join(["deb", *([f"[{' '.join(options)}]"] if options else []), found[2].strip()]))
    return lines


def from_stanzas(text: str, code: str) -> list[str]:
    """Return the stanzas of a `.sources` as lines."""
    lines: list[str] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if fields.get("Enabled", "yes").strip().lower() not in ("no", "false", "0", "off", "without", "disable"):
            lines += _one_line_style(fields, code)
    return lines


def _one_line_style(stanza: dict[str, str], code: str) -> list[str]:
    suites = [suite for suite in stanza.get("Suites", "").split() if re.fullmatch(code + SUITES, suite)]
    components = stanza.get("Components", "main")
    uris = re.findall(r"https?://\S+", stanza.get("URIs", "")) if "deb" in stanza.get("Types", "").split() else []
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
    # Where the folder cannot be made, nothing may go into `/` instead.
    lines = ["set -eu", "site=$(mktemp -d -p /dev/shm)", "trap 'rm -rf \"$site\"' EXIT"]
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
