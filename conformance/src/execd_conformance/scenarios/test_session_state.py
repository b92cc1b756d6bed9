"""What a command does to a live shell, and what the next one finds."""

from __future__ import annotations

import random

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.shells import shell

LASTS = (
    ("f() { echo f$1; }", "f 2", "f2\n"),
    ("alias hi='echo aliased'", "hi", "aliased\n"),
    ("A=1", "echo $A; sh -c 'echo .$A'", "1\n.\n"),
    ("declare -A m=([k]='a  b'); n=(1 '' 3)", 'echo "${m[k]}" ${#n[@]}', "a  b 3\n"),
    ("shopt -s extglob; set -f", "case ab in a@(b|c)) echo matched;; esac; echo *", "matched\n*\n"),
    ("set -o pipefail", "false | true; echo $?", "1\n"),
    ("trap 'echo caught' USR1", "kill -USR1 $$", "caught\n"),
    ("umask 027", "umask", "0027\n"),
    ("sleep 300 & P=$!", "[ $! = $P ] && jobs -p | grep -c $P; kill $P; wait $P; echo $?", "1\n143\n"),
    ("exec 7>kept; echo a >&7", "echo b >&7; cat kept", "a\nb\n"),
    ("set -- x 'y z'", 'echo "$#:$2"', "2:y z\n"),
    ("cd /usr/lib; cd /", "cd - >/dev/null; pwd", "/usr/lib\n"),
    ("ulimit -n 77", "ulimit -n; sh -c 'ulimit -n'", "77\n77\n"),
    ("readonly R=r", "(R=2) 2>/dev/null; echo $R", "r\n"),
    ("hash -p /bin/echo other", "other hashed", "hashed\n"),
)
_NAMES = ("printf", "read", "eval", "echo", "builtin", "set", "trap", "exit", "return", "true", "cd", "exec")
OWN_HOOKS = (
    "PS0='zero> ' PS1='one> ' PS2='two> ' PS4='four> ' PROMPT_COMMAND='echo prompted'",
    "trap 'N=$((N + 1))' DEBUG",
    "trap 'E=$((E + 1))' ERR; false",
    "trap 'R=$((R + 1))' RETURN",
    "trap 'echo gone' EXIT",
    "IFS=0123456789abcdef",
    "PATH=/nowhere",
    "set -o posix",
    "set -f; set -C; set -k; set -B",
    "set -u",
    "shopt -s expand_aliases failglob nullglob dotglob nocasematch",
    "LC_ALL=C; LANG=nonsense; TZ=nonsense; REPLY=x; OPTIND=7",
    "unset HOME PATH PWD OLDPWD SHELL; enable -n test kill",
    " ".join(f"function {name} {{ command echo mine; }};" for name in _NAMES),
)


@scenario("commands", "session.state", features={"sessions"}, limit_s=60)
async def test_what_a_command_does_to_the_shell_lasts(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, cwd=folder) as here:
        for before, asked, told in LASTS:
            ran = await here.run(before)
            checks.equal("session.state", (ran.exit_code, ran.stdout, ran.stderr), (0, "", ""))
            checks.equal("session.state", await here.say(asked), told)
            await here.run(f"cd {folder}; set +f")


@scenario("commands", "session.values", features={"sessions"}, limit_s=60)
async def test_values_last_byte_for_byte(checks: Checks, raw: Raw) -> None:
    chance = random.Random(3)  # noqa: S311 - values, and the same ones each time
    values = ["\n", "\n\n a \n", "'", '"', "\\", "$A`x`$(y)!!", "é漢😀\x01\x7f\x1b[0m\r\t", "-n", "x" * 200_000]
    values += ["".join(chance.choices("ab '\"\\$`!\n\té漢*?[]{}()<>|&;#~=%", k=60)) for _ in range(20)]
    async with shell(raw) as here:
        for value in values:
            quoted = "'" + value.replace("'", "'\\''") + "'"
            await here.run(f"V={quoted}")
            said = await here.say('printf %s "$V"')
            checks.that("session.values", said == value, saw=(value[:80], said[:80]))
        await here.run("B=$'\\x80\\xff\\xc3'")
        checks.equal("session.values", (await here.run('printf %s "$B"')).stdout_bytes, b"\x80\xff\xc3")


@scenario("commands", "session.hooks", features={"sessions"}, limit_s=60)
async def test_hooks_and_options_of_the_users_own_do_no_harm(checks: Checks, raw: Raw) -> None:
    for hooks in OWN_HOOKS:
        async with shell(raw) as here:
            ran = await here.run(hooks)
            checks.equal("session.hooks", (ran.stdout, ran.stderr), ("", ""))
            for number in range(2):
                ran = await here.run(f"command echo fine {number}; command echo oops >&2; (command exit 4)")
                seen = (hooks, ran.exit_code, ran.stdout, ran.stderr)
                checks.equal("session.hooks", seen, (hooks, 4, f"fine {number}\n", "oops\n"))


@scenario("commands", "session.hooks", "session.state", features={"sessions"})
async def test_a_trap_of_the_users_own_runs_for_their_commands(checks: Checks, raw: Raw) -> None:
    async with shell(raw) as here:
        await here.run("trap 'echo \"+ $BASH_COMMAND\"' DEBUG")
        checks.equal("session.hooks", await here.say("A=1; echo $A"), "+ A=1\n+ echo $A\n1\n")
        await here.run("trap - DEBUG")
        await here.run("trap 'echo failed' ERR")
        checks.equal("session.hooks", await here.say("false; true"), "failed\n")
        await here.run("trap - ERR; set -x")
        ran = await here.run("echo traced")
        traced = ran.stderr.lstrip("+")  # one for each level, of which there may be more
        checks.equal("session.state", (ran.stdout, traced), ("traced\n", " echo traced\n"))
