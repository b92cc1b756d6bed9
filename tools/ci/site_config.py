#!/usr/bin/env python3
"""Collect this host's package-client settings for use inside image builds.

  site_config.py build OUT     one sourceable sh file, to be given as an optional BuildKit secret
                               (docker build --secret id=site,src=OUT …); each RUN that needs the network begins with
                               `if [ -s /run/secrets/site ]; then . /run/secrets/site; fi;`
  site_config.py run DIR       DIR/ca.pem and DIR/env for `docker run -v DIR:/run/site:ro --env-file DIR/env`

Names no mirror itself: whatever the host's clients say is copied at run time. With nothing to pass OUT is not written.
"""
import base64, gzip, os, re, shlex, shutil, subprocess, sys, xml.etree.ElementTree as ET
from pathlib import Path

MAX_SECRET = 500 * 1024                      # BuildKit refuses larger secrets
CA_VARS = ("CI_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL_CAS = Path("/usr/local/share/ca-certificates")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
PASS = [a for b in ("http_proxy", "https_proxy", "no_proxy", "all_proxy") for a in (b, b.upper())] + [
    "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"]
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy")
GO_KEYS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOTOOLCHAIN")
NPM_KEEP = re.compile(r"^\s*(//|@[^=]+:registry|registry|proxy|https-proxy|noproxy|strict-ssl|always-auth|_auth)")
# what uses the CA file, once it is unpacked
CA_EXPORTS = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO")


def out(*cmd):
    if not shutil.which(cmd[0]):
        return ""
    r = subprocess.run(cmd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    return r.stdout if r.returncode == 0 else ""


def ca_bundle():
    """The CA file the host's clients use, when it differs from a stock system."""
    for var in CA_VARS:
        p = Path(os.environ.get(var) or "/nonexistent")
        if p.is_file() and p.stat().st_size:
            return p.read_text(errors="replace")
    if SYSTEM_CA.is_file() and any(LOCAL_CAS.glob("**/*.crt")):
        return SYSTEM_CA.read_text(errors="replace")
    return ""


def extra_cas(bundle):
    """Certificates of the bundle that a stock store lacks (Java needs them one by one)."""
    stock = set()
    for d in Path("/usr/share/ca-certificates").glob("**/*.crt"):
        stock.update(PEM.findall(d.read_text(errors="replace")))
    if not stock:
        try:
            from pip._vendor import certifi
            stock = set(PEM.findall(Path(certifi.where()).read_text()))
        except ImportError:
            return []
    return [c for c in dict.fromkeys(PEM.findall(bundle)) if c not in stock]


def client_env():
    env = {k: os.environ[k] for k in PASS if os.environ.get(k)}
    for line in out(sys.executable, "-m", "pip", "config", "list").splitlines():
        m = re.match(r"[^.]+\.([a-z-]+)=(.*)", line.replace(":env:", "env"))
        if m and m[1] in PIP_KEYS:
            env["PIP_" + m[1].upper().replace("-", "_")] = " ".join(m[2].strip("'\"").replace("\\n", " ").split())
    if registry := (os.environ.get("NPM_CONFIG_REGISTRY") or out("npm", "config", "get", "registry").strip()):
        env["NPM_CONFIG_REGISTRY"] = registry
    values = out("go", "env", *GO_KEYS).splitlines() or [os.environ.get(k, "") for k in GO_KEYS]
    env.update({k: v for k, v in zip(GO_KEYS, values) if v})
    return env


def npmrc():
    p = Path.home() / ".npmrc"
    return "\n".join(x for x in p.read_text().splitlines() if NPM_KEEP.match(x)) if p.is_file() else ""


def maven_settings():
    for p in (Path.home() / ".m2/settings.xml", Path("/etc/maven/settings.xml")):
        if p.is_file():
            own = [e for e in ET.parse(p).iter() if e.tag.split("}")[-1] in ("mirror", "proxy", "server", "profile")]
            if [e for e in own if "maven-default-http-blocker" not in [(c.text or "").strip() for c in e]]:
                return p.read_text()
    return ""


def apt_conf():
    """Acquire:: options only; they are settings of the way to the mirror, not of the machine."""
    keep = re.compile(r'^Acquire::(https?::|ftp::|Check-|Retries|ForceIPv)', re.I)
    return "\n".join(x for x in out("apt-config", "dump").splitlines() if keep.match(x) and "CAInfo" not in x)


def apt_sources():
    """(codename, sources.list text) of the distribution's own suites; used only in images of the same codename."""
    rel = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.M)) if Path("/etc/os-release").exists() else {}
    code, lines = rel.get("VERSION_CODENAME", ""), []
    if not code:
        return "", ""
    for f in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if f.suffix == ".list" and f.is_file():
            lines += [x for x in f.read_text().splitlines() if re.match(rf"deb\s+(\[[^]]*\]\s+)?\S+\s+{code}(-updates|-security)?\s", x)]
        elif f.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", f.read_text()):
                d = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.M))
                for uri in d.get("URIs", "").split():
                    lines += [f"deb {uri} {s} {d.get('Components', 'main')}" for s in d.get("Suites", "").split()
                              if re.fullmatch(rf"{code}(-updates|-security)?", s) and "deb" in d.get("Types", "").split()]
    return code, "\n".join(dict.fromkeys(lines))


def build(target):
    ca, env, files = ca_bundle(), client_env(), {}
    code, sources = apt_sources()
    for name, text in (("ca.pem", ca), ("extra.pem", "\n".join(extra_cas(ca))), ("npmrc", npmrc()), ("settings.xml", maven_settings()),
                       ("apt.conf", apt_conf()), ("sources.list", sources)):
        if text.strip():
            files[name] = text.rstrip("\n") + "\n"
    if not env and not files:
        return 0
    sh = ["# made by site_config.py; sourced by build steps; never commit", "site=$(mktemp -d -p /dev/shm)", "trap 'rm -rf \"$site\"' EXIT"]
    for name, text in files.items():
        payload = base64.encodebytes(gzip.compress(text.encode(), mtime=0)).decode()
        sh += [f"base64 -d <<'EOF' | gzip -dc >\"$site/{name}\"", payload + "EOF"]
    sh += [f"export {k}={shlex.quote(v)}" for k, v in sorted(env.items())]
    if "ca.pem" in files:
        sh += [f'export {k}="$site/ca.pem"' for k in CA_EXPORTS]
        sh += ['export NPM_CONFIG_CAFILE="$site/ca.pem"']
        sh += ['echo "Acquire::https::CAInfo \\"$site/ca.pem\\";" >>"$site/apt.conf"']
    if "npmrc" in files:
        sh += ['export NPM_CONFIG_USERCONFIG="$site/npmrc"']
    if "settings.xml" in files:
        sh += ['mvn() { command mvn -s "$site/settings.xml" "$@"; }', 'export MAVEN_ARGS="-s $site/settings.xml"']
    if "sources.list" in files:
        sh += [f"if grep -q '^VERSION_CODENAME={code}$' /etc/os-release 2>/dev/null; then",
               '  printf \'Dir::Etc::sourcelist "%s";\\nDir::Etc::sourceparts "-";\\n\' "$site/sources.list" >>"$site/apt.conf"; fi']
    sh += ['[ ! -s "$site/apt.conf" ] || export APT_CONFIG="$site/apt.conf"']
    if "extra.pem" in files:
        sh += [JAVA]
    sh += [":"]
    text = "\n".join(sh) + "\n"
    if len(text) > MAX_SECRET:
        sys.exit(f"{len(text)} bytes: more than a BuildKit secret may have")
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    print(f"{target}: {len(text)} bytes; files {' '.join(files)}; variables {' '.join(env)}", file=sys.stderr)


# The JVM reads no PEM: copy the JDK's own store and add what it lacks (about a second, only where a JDK is).
JAVA = r'''if command -v keytool >/dev/null 2>&1; then
  home=$(dirname "$(dirname "$(readlink -f "$(command -v keytool)")")")
  for store in "$home/lib/security/cacerts" "$home/jre/lib/security/cacerts" ""; do [ ! -s "$store" ] || break; done
  [ -z "$store" ] || cp -L "$store" "$site/cacerts"; chmod u+w "$site/cacerts" 2>/dev/null || true
  awk -v d="$site" '/BEGIN CERT/{n++; f=d "/x" n ".pem"} f{print >f} /END CERT/{close(f); f=""}' "$site/extra.pem"
  for pem in "$site"/x*.pem; do keytool -importcert -noprompt -trustcacerts -alias "site-$(basename "$pem")" -file "$pem" \
    -keystore "$site/cacerts" -storepass changeit >/dev/null 2>&1 || true; done
  export MAVEN_OPTS="${MAVEN_OPTS:-} -Djavax.net.ssl.trustStore=$site/cacerts"
fi'''


def run(directory):
    d = Path(directory); d.mkdir(mode=0o755, parents=True, exist_ok=True)
    ca, env = ca_bundle(), client_env()
    if ca:
        (d / "ca.pem").write_text(ca)
        env.update({k: "/run/site/ca.pem" for k in CA_EXPORTS})
    (d / "env").write_text("".join(f"{k}={v}\n" for k, v in sorted(env.items())))


if __name__ == "__main__":
    {"build": build, "run": run}[sys.argv[1]](sys.argv[2])
