"""What a command is told in its request: the program, its place, its environment, and what is refused."""

from __future__ import annotations

import json
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import ending, texts
from execd_conformance.raw import Raw
from execd_conformance.session import Session

SAME_SHELL = 'if command -v bash >/dev/null; then [ -n "$BASH_VERSION" ] && echo fits; else echo fits; fi'


@scenario("commands", "command.shell", "command.cwd", "command.stdin-null", profiles=("full", "compat"))
async def test_a_command_is_text_for_a_shell(checks: Checks, raw: Raw, folder: str) -> None:
    for command, want in (
        (SAME_SHELL, ["fits"]),
        ("echo one | tr a-z A-Z; echo 'a  b' \"$((6 * 7))\"", ["ONE", "a  b 42"]),
        ("f() {\n  echo from f\n}\nf\n", ["from f"]),
        ("cat <<'END'\n$x `y` \\z\nEND\n", ["$x `y` \\z"]),
        ("echo héllo 漢", ["héllo 漢"]),
    ):
        events = await raw.events("POST", "/command", json={"command": command, "cwd": folder})
        checks.equal("command.shell", (texts(events), ending(events).type), (want, "execution_complete"))
    events = await raw.events("POST", "/command", json={"command": "pwd -P", "cwd": folder})
    checks.equal("command.cwd", texts(events), [folder])
    events = await raw.events("POST", "/command", json={"command": "cat; echo end"})
    checks.equal("command.stdin-null", texts(events), ["end"])


@scenario("commands", "command.argv", "status.fields", profiles=("compat",))
async def test_arguments_need_no_shell(checks: Checks, raw: Raw) -> None:
    events = await raw.events(
        "POST", "/command", json={"argv": ["printf", "%s\n", "a b", "$HOME", "'", "*", "-n", "é"]}
    )
    checks.equal("command.argv", texts(events), ["a b", "$HOME", "'", "*", "-n", "é"])
    events = await raw.events("POST", "/command", json={"argv": ["printf", "[%s]", "", "x\ny"]})
    checks.equal("command.argv", texts(events), ["[][x", "y]"])
    status = (await raw.request("GET", f"/command/status/{events[0]['text']}")).json()
    checks.that("status.fields", "printf" in str(status.get("content")), saw=status)


@scenario("commands", "command.cwd", "command.cwd-expanded", "command.cwd-missing")
async def test_a_command_starts_where_it_is_told(checks: Checks, raw: Raw, folder: str) -> None:
    sub = await raw.run(f"mkdir '{folder}/a b' && touch '{folder}/file'")
    checks.equal("command.cwd", sub.exit_code, 0)
    envs = {"HOME": folder, "TOP": folder, "SUB": "a b"}
    for cwd, want in (
        (folder, folder),
        (f"{folder}/a b", f"{folder}/a b"),
        ("~", folder),
        ("~/a b", f"{folder}/a b"),
        ("$TOP", folder),
        ("${TOP}/$SUB", f"{folder}/a b"),
    ):
        ran = await raw.run("pwd -P", cwd=cwd, envs=envs)
        checks.equal("command.cwd-expanded", ran.stdout, f"{want}\n")
    for cwd in (f"{folder}/nowhere", f"{folder}/file"):
        reply = await raw.request("POST", "/command", json={"command": "true", "cwd": cwd})
        checks.equal("command.cwd-missing", (reply.status, reply.code), (400, "INVALID_REQUEST_BODY"))
        checks.that("command.cwd-missing", cwd in reply.text, saw=reply.text)


@scenario("commands", "command.envs", "command.envs-of-daemon", "command.no-secrets", profiles=("full", "compat"))
async def test_a_command_has_the_environment_it_is_given(checks: Checks, raw: Raw, target: Session) -> None:
    envs = {"A": "1", "EMPTY": "", "PATH": "/usr/bin:/bin:/mine", "SPACED": " a  b ", "Q": "'\"$A`\\", "U": "é漢"}
    command = 'printf "%s|" "$A" "${EMPTY-unset}" "$PATH" "$SPACED" "$Q" "$U"; echo'
    events = await raw.events("POST", "/command", json={"command": command, "envs": envs})
    checks.equal("command.envs", texts(events), ["|".join(envs.values()) + "|"])
    events = await raw.events("POST", "/command", json={"command": "env; tr '\\0' '\\n' < /proc/$$/environ"})
    seen = [str(line) for line in texts(events)]
    checks.that("command.envs-of-daemon", any(line.startswith("PATH=/") for line in seen), saw=seen)
    leaked = [line for line in seen if line.startswith("EXECD_ACCESS_TOKEN") or (target.token and target.token in line)]
    checks.equal("command.no-secrets", leaked, [])
    # What one command was given is not the next one's.
    checks.equal("command.envs", [line for line in seen if line in {"A=1", "U=é漢"}], [])


@scenario(
    "commands",
    "command.envs-file",
    "command.envs-file-anew",
    "command.envs-file-quotes",
    "command.envs-file-named",
    "command.envs",
    needs={"start"},
    profiles=("compat",),
)
async def test_a_file_of_variables_is_read_for_each_command(checks: Checks, daemons: Daemons, unique: str) -> None:
    path = f"/tmp/{unique}.env"
    show = {"command": 'echo "$A|$B|$HOME|$EXECD_ENVS"', "envs": {"B": "request"}}
    async with daemons(envs=path) as daemon:
        raw = daemon.raw
        checks.equal(
            "command.envs-file-named", texts(await raw.events("POST", "/command", json=show))[0][-len(path) :], path
        )
        for value in ("first", "second"):
            await raw.run(f"printf 'A={value}\\nB=file\\nHOME=/from/file\\n' > {path}")
            told = texts(await raw.events("POST", "/command", json=show))
            checks.equal("command.envs-file-anew", told[0].split("|")[0], value)
            checks.equal("command.envs-file", told[0].split("|")[2], "/from/file")
            checks.equal("command.envs", told[0].split("|")[1], "request")
        await raw.run(f"cat > {path} <<'END'\n{QUOTED}END\n")
        told = texts(await raw.events("POST", "/command", json={"argv": ["printenv", "A", "B"]}))
        checks.equal("command.envs-file-quotes", told, [" it costs $5 ", "two lines", 'it\'s "so"', "and a \\"])
        await raw.run(f"rm {path}")


QUOTED = "# what's = 'quoted'\nA=' it costs $5 \ntwo lines'\nB=\"it's \\\"so\\\"\\nand a \\\\\"\n"


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("command.blank", {"command": ""}),
    ("command.blank", {"command": " \n\t "}),
    ("command.one-of", {}),
    ("command.one-of", {"command": "true", "argv": ["true"]}),
    ("command.one-of", {"command": None, "argv": None}),
    ("command.one-of", {"argv": []}),
    ("command.nul", {"command": "echo a\0b"}),
    ("command.nul", {"argv": ["echo", "\0"]}),
    ("command.nul", {"command": "true", "cwd": "/\0"}),
    ("command.nul", {"command": "true", "envs": {"A": "\0"}}),
    ("command.nul", {"command": "true", "envs": {"A\0": "1"}}),
    ("command.env-name", {"command": "true", "envs": {"": "1"}}),
    ("command.env-name", {"command": "true", "envs": {"A=B": "1"}}),
    ("command.timeout-bounds", {"command": "true", "timeout": -1}),
    ("command.timeout-bounds", {"command": "true", "timeout": 2**53 + 1}),
    ("command.gid-needs-uid", {"command": "true", "gid": 1}),
]


@scenario(
    "commands",
    "command.blank",
    "command.one-of",
    "command.nul",
    "command.env-name",
    "command.timeout-bounds",
    "command.gid-needs-uid",
    "stream.refusal-plain",
)
async def test_what_no_system_takes_is_refused_before_any_event(checks: Checks, raw: Raw) -> None:
    for proves, body in REFUSED:
        reply = await raw.request("POST", "/command", json=body)
        seen = (body, reply)
        checks.that(proves, (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY"), saw=seen)
        is_json = reply.headers.get("content-type", "").startswith("application/json")
        checks.that("stream.refusal-plain", is_json and "request_id" in json.loads(reply.body or b"{}"), saw=seen)
    reply = await raw.request("POST", "/command", json={"command": "true", "timeout": 2**53})
    checks.equal("command.timeout-bounds", reply.status, 200)


@scenario("commands", "command.gid-needs-uid", profiles=("compat",))
async def test_a_group_is_given_with_a_user(checks: Checks, raw: Raw) -> None:
    reply = await raw.request("POST", "/command", json={"command": "true", "gid": 0})
    checks.equal("command.gid-needs-uid", reply.status, 400)


_MAY_BECOME = 1 << 6 | 1 << 7
"""The capabilities CAP_SETGID and CAP_SETUID: a container's root may be without."""


@scenario("commands", "command.uid", "command.user", "command.no-privilege", features={"user"})
async def test_another_user_is_served_or_refused(checks: Checks, raw: Raw) -> None:
    me = (await raw.run('echo "$(id -u) $(id -g) $(id -un) $(id -un 65534 2>/dev/null)"')).stdout.split()
    own = {"uid": int(me[0]), "gid": int(me[1])}
    ran = await raw.run("id -u; id -g", **own)
    checks.equal("command.uid", ran.stdout.split(), me[:2])
    ran = await raw.run(
        'echo "$USER $LOGNAME $(id -un)"; [ "$HOME" = ~$USER ] || eval "[ \\"$HOME\\" = ~$USER ]" && echo home',
        user=me[2],
    )
    checks.equal("command.user", ran.stdout.split(), [me[2]] * 3 + ["home"])
    may = (int((await raw.run("sed -n 's/^CapEff://p' /proc/self/status")).stdout, 16) & _MAY_BECOME) == _MAY_BECOME
    for who in ({"uid": 65534, "gid": 65534}, {"uid": 65534}, {"user": me[3] if len(me) > 3 else "nobody"}):
        async with raw.stream("POST", "/command", json={"command": "id -u; id -g; echo $USER", **who}) as stream:
            code = None if stream.problem is None else stream.problem.code
            want = (200, None) if may else (403, "PERMISSION_DENIED")
            checks.equal("command.no-privilege", (stream.status, code), want)
            said = [str(event.get("text")) async for event in stream if event.type == "stdout"]
        if may:
            checks.that("command.uid", said[:1] == ["65534"] and said[1] != "0", saw=said)
            if "user" in who:
                checks.equal("command.user", said[2:], [who["user"]])


@scenario("commands", "command.user-unknown", "command.never-gid-0", features={"user"})
async def test_nobody_becomes_somebody(checks: Checks, raw: Raw) -> None:
    for who in ({"user": "no-such-user"}, {"user": ""}, {"user": "nobody", "uid": 65534}):
        reply = await raw.request("POST", "/command", json={"command": "id", **who})
        checks.equal("command.user-unknown", (reply.status, reply.code), (400, "INVALID_REQUEST_BODY"))
    reply = await raw.request("POST", "/command", json={"command": "id -g", "uid": 54321})
    checks.that("command.never-gid-0", reply.status in {400, 403}, saw=reply)
    checks.that("command.never-gid-0", b'"text":"0"' not in reply.body, saw=reply)
