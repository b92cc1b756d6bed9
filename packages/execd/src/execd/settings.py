"""What the daemon can be told: one frozen struct, filled from flags, variables and a file.

The struct is the table: a field is a flag `--foo-bar`, a variable `EXECD_FOO_BAR` and a TOML key `foo_bar`, with its
type, default and help. A flag wins over a variable, a variable over the file, and an empty variable is unset.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta

from execd import __version__

Level = Literal["critical", "error", "warning", "info", "debug"]

_Count = Annotated[int, Meta(ge=0)]
_Descriptor = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Seconds = Annotated[float, Meta(ge=0, le=1e9)]


def _says(help_text: str) -> Meta:
    return Meta(description=help_text)


MOST_READY: Final = 64
"""Kernels of one language that may be kept ready."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting; `read` makes one."""

    host: Annotated[str | None, _says("address to listen on; all with a token, else 127.0.0.1")] = None
    port: Annotated[int, Meta(ge=0, le=65535), _says("port to listen on; 0 is any free one")] = 44772
    uds: Annotated[str | None, _says("Unix socket to listen on instead (beside --host, if that is given too)")] = None
    access_token: Annotated[tuple[str, ...], _says("tokens that open the daemon; several during a rotation")] = ()
    access_token_file: Annotated[str | None, _says("file with one token a line")] = None
    insecure: Annotated[bool, _says("listen beyond loopback without a token")] = False
    allow_origin: Annotated[tuple[str, ...], _says("web origins that may call; * is any")] = ()
    allow_host: Annotated[tuple[str, ...], _says("host names that may be asked for without a token; * is any")] = ()
    state_dir: Annotated[str | None, _says("directory for output that does not fit in memory")] = None
    working_root: Annotated[str | None, _says("where commands start; the daemon's own directory")] = None
    shell: Annotated[str | None, _says("shell of commands; bash, else sh")] = None
    log_level: Annotated[Level, _says("critical, error, warning, info, debug, or 0 to 7")] = "info"
    log_format: Annotated[Literal["text", "json"], _says("text or json, on standard error")] = "text"
    kill_grace_ms: Annotated[_Count, _says("from SIGTERM to SIGKILL, when a run is stopped")] = 2000
    drain_grace_ms: Annotated[_Count, _says("how long a survivor's open pipe delays the end of a command")] = 200
    heartbeat_s: Annotated[float, Meta(gt=0, lt=10), _says("silence after which a stream gets a ping")] = 5
    retention_s: Annotated[_Seconds, _says("how long a finished run is kept")] = 600
    retention_bytes: Annotated[_Count, _says("output kept of one run")] = 256 * 1024 * 1024
    retention_total_bytes: Annotated[_Count, _says("output kept of all runs")] = 1024 * 1024 * 1024
    retention_count: Annotated[_Count, _says("finished runs kept")] = 20_000
    max_executions: Annotated[_Count, _says("runs at once")] = 1000
    max_contexts: Annotated[_Count, _says("contexts at once")] = 64
    max_sessions: Annotated[_Count, _says("shell sessions at once")] = 64
    context_idle_s: Annotated[_Seconds, _says("end a context after so long without a run; 0 is never")] = 0
    pool: Annotated[tuple[str, ...], _says("kernels kept ready, as language=number; several with commas")] = ()
    pool_lazy: Annotated[bool, _says("keep kernels of a language ready only once it has been used")] = False
    kernels: Annotated[tuple[str, ...], _says("kernels to prefer, as language=kernel; several with commas")] = ()
    kernels_dir: Annotated[str | None, _says("directory with what is prepared for kernels")] = None
    python_version: Annotated[str | None, _says("version that python is, such as 3.12; also PYTHON_VERSION")] = None
    java_version: Annotated[str | None, _says("version that java is, such as 17; also JAVA_VERSION")] = None
    node_version: Annotated[str | None, _says("version that node is, such as 22; also NODE_VERSION")] = None
    go_version: Annotated[str | None, _says("version that go is, such as 1.26; also GO_VERSION")] = None
    default_language: Annotated[str | None, _says("language of code whose request names none")] = None
    body_timeout_s: Annotated[float, Meta(gt=0, le=1e9), _says("time for a request's body to arrive")] = 30
    max_body_bytes: Annotated[_Count, _says("size of a JSON body")] = 16 * 1024 * 1024
    lifeline_fd: Annotated[_Descriptor | None, _says("descriptor whose becoming readable ends the daemon")] = None
    envs: Annotated[str | None, _says("file of NAME=value lines for commands, read anew for each")] = None
    lease_s: Annotated[_Seconds, _says("end after so long without an authenticated request; 0 is never")] = 0

    def __repr__(self) -> str:
        """Say nothing: some of it is secret, and a repr ends up in logs."""
        return "Settings(...)"


class UsageError(Exception):
    """Bad usage, in one line."""


class SettingsError(Exception):
    """A file that a setting names cannot be read, in one line."""


class Row(NamedTuple):
    """One line of the table: what `--help` and the documentation print."""

    name: str
    flag: str
    variable: str
    type: str
    default: object
    help: str


_IGNORED: Final = ("graceful_shutdown_timeout", "jupyter_host", "jupyter_token")
"""Flags of the original daemon that mean nothing here."""
_SECRET_VARIABLES: Final = ("EXECD_ACCESS_TOKEN", "EXECD_ACCESS_TOKEN_FILE")
_ALSO: Final = {name: name.upper() for name in ("python_version", "java_version", "node_version", "go_version")}
"""Variables under which some settings are known everywhere."""
_LEVELS: Final[dict[str, Level]] = {
    **dict.fromkeys(("0", "1", "2"), "critical"),
    **dict.fromkeys(("3",), "error"),
    **dict.fromkeys(("4", "warn"), "warning"),
    **dict.fromkeys(("5", "6"), "info"),
    **dict.fromkeys(("7",), "debug"),
}


@cache
def rows() -> tuple[Row, ...]:
    """Return the table of all settings, in order."""
    return tuple(_row(field) for field in msgspec.structs.fields(Settings))


def _row(field: msgspec.structs.FieldInfo) -> Row:
    kind, *metas = get_args(field.type)
    text = next(meta.description for meta in metas if meta.description)
    return Row(field.name, _flag(field.name), _variable(field.name), _type_name(kind), field.default, text)


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        return "list"
    if get_origin(kind) is Literal:
        return "choice"
    options = [option for option in get_args(kind) if option is not type(None)]
    return _type_name(options[0]) if options else str(kind.__name__)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shown_flag(name: str) -> str:
    """Return a flag as it may stand in one line, whatever was typed."""
    return _flag(name).encode("unicode_escape").decode()


def _variable(name: str) -> str:
    return "EXECD_" + name.upper()


def usage() -> str:
    """Return what `--help` prints."""
    lines = [f"  {row.flag:<24} {row.help} [{_shown(row.default)}]" for row in rows()]
    head = f"execd {__version__}\nusage: execd [serve|kernels|doctor] [--flag value]...\n"
    head += "       execd kernels install [LANGUAGE[@VERSION]]... [--flag value]...\n"
    lines += [f"  {'--config':<24} TOML file with any of these", f"  {'--version':<24} print the version"]
    lines += [f"  {'--json':<24} answer of kernels (what is there) and doctor (whether it works) as JSON"]
    return "\n".join(
        [head, *lines, "", "A flag --foo-bar is also a variable EXECD_FOO_BAR and a key foo_bar of the file."]
    )


def _shown(default: object) -> str:
    return "" if default in (None, ()) else str(default)


def read(argv: Sequence[str], *, tokens: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; `tokens` are those that the guard has already taken out of flags and variables.

    Raises `UsageError` for what cannot be understood and `SettingsError` for a file that cannot be read.
    """
    environ = os.environ if environ is None else environ
    flags = _flags(argv)
    known = {name: value for name, variable in _ALSO.items() if (value := environ.get(variable))}
    variables = {**known, **{row.name: value for row in rows() if (value := environ.get(row.variable))}}
    config = flags.pop("config", None) or environ.get("EXECD_CONFIG")
    raw = {**(_file(config) if config else {}), **variables, **flags}
    if tokens:
        raw["access_token"] = list(tokens)
    settings = _with_token_file(_with_descriptor(_convert(raw)))
    pool_sizes(settings)
    return settings


def pool_sizes(settings: Settings) -> dict[str, int]:
    """Return how many kernels of which language are kept ready; raises `UsageError`."""
    sizes: dict[str, int] = {}
    for entry in settings.pool:
        language, equals, number = entry.partition("=")
        if not (
            language
            and equals
            and number.isascii()
            and number.isdigit()
            and len(number) < 4
            and int(number) <= MOST_READY
        ):
            raise UsageError(f"--pool: it is language=number, with no number beyond {MOST_READY}")
        sizes[language.strip()] = int(number)
    return sizes


def _flags(argv: Sequence[str]) -> dict[str, str]:
    known = {row.name: row for row in rows()}
    found: dict[str, str] = {}
    for name, value in _pairs(argv, switches={row.name for row in known.values() if row.type == "bool"}):
        if name in _IGNORED:
            continue
        if name not in known and name != "config":
            raise UsageError(f"unknown flag {_shown_flag(name)}; --help lists them")
        repeated = name in found and name in known and known[name].type == "list"
        found[name] = f"{found[name]},{value}" if repeated else value
    return {name: value for name, value in found.items() if value}


def _pairs(argv: Sequence[str], *, switches: set[str]) -> Iterator[tuple[str, str]]:
    arguments = deque(argv)
    if argv and argv[0] == "serve":
        arguments.popleft()
    while arguments:
        argument = arguments.popleft()
        # One dash or two, as the flags of the original daemon. What is no flag is not repeated: it may be a secret.
        if not argument.startswith("-"):
            raise UsageError(
                "unexpected argument: there are only flags after serve, kernels or doctor; --help lists them"
            )
        flag, equals, value = argument.lstrip("-").partition("=")
        name = flag.replace("-", "_")
        if not equals and name in switches:
            value = "true"
        elif not equals:
            if not arguments:
                raise UsageError(f"flag {_shown_flag(name)} needs a value")
            value = arguments.popleft()
        yield name, value


def _file(path: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only when there is a file: start time

    try:
        data = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's message may quote the file, and so a secret.
        raise UsageError(f"{path} is not a TOML file") from None
    known = {row.name for row in rows()}
    if unknown := [key for key in data if key not in known]:
        raise UsageError(f"{path}: unknown key {unknown[0]!r}")
    return data


def _convert(raw: dict[str, Any]) -> Settings:
    for row in rows():
        value = raw.get(row.name)
        if row.type == "list" and value is not None:
            raw[row.name] = _list(value)
    if (level := raw.get("log_level")) is not None:
        raw["log_level"] = _LEVELS.get(str(level).lower(), str(level).lower())
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at $.")
        what = what.partition(", got")[0]
        raise UsageError(f"{_flag(where.partition('[')[0])}: {what[:1].lower()}{what[1:]}") from None


def _list(value: object) -> object:
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item.strip() for item in value if item.strip()]
    return value


def _with_descriptor(settings: Settings) -> Settings:
    if settings.lifeline_fd is None:
        return settings
    try:
        os.fstat(settings.lifeline_fd)
    except OSError:
        raise UsageError(f"--lifeline-fd: there is no descriptor {settings.lifeline_fd}") from None
    return settings


def _with_token_file(settings: Settings) -> Settings:
    path = settings.access_token_file
    if path is None:
        return settings
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    tokens = [token for line in lines for part in line.split(",") if (token := part.strip())]
    if not tokens:
        raise UsageError(f"{path} holds no token")
    return msgspec.structs.replace(settings, access_token=(*settings.access_token, *tokens))


def default_state_dir(environ: Mapping[str, str] | None = None) -> str | None:
    """Return where state goes when nobody said so: the system's place for root, else the user's, if there is one."""
    environ = os.environ if environ is None else environ
    if os.geteuid() == 0:
        return "/var/lib/execd"
    base = environ.get("XDG_STATE_HOME") or (f"{environ['HOME']}/.local/state" if environ.get("HOME") else "")
    return f"{base}/execd" if base.startswith("/") else None


def children_environment(settings: Settings, *, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the daemon's environment without its secrets: what runs start from."""
    environ = os.environ if environ is None else environ
    return {name: value for name, value in environ.items() if not _secret(name, value, settings.access_token)}


def _secret(name: str, value: str, tokens: Sequence[str]) -> bool:
    # A short token may be part of anything; a long one inside a value is no accident.
    return name in _SECRET_VARIABLES or any(value == token or (len(token) >= 8 and token in value) for token in tokens)
