"""Mutants of single runs with limits: limits that are not heeded, ends that are told wrongly, bombs that go on."""

from __future__ import annotations

from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, dropped, each, fields, refusal, runs, steady, swallowed
from execd_conformance.mutants.rewrite import Rewrite, route

_COMMAND = route("POST", "/command")
_INTERRUPT = route("DELETE", "/command")
_LIMITS = ("memory_limit_bytes", "pids_limit")


def _more_processes(request: Request) -> Request:
    """Allow forty more, and not any number: some of these commands would take all there are."""
    limit = request.mapping.get("pids_limit")
    is_one = isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit < 100
    return fields(request, pids_limit=limit + 40) if is_one and isinstance(limit, int) else request


def _any_limit(request: Request) -> Request:
    """Take what is no limit for none."""
    wrong = [name for name in _LIMITS if not isinstance(request.mapping.get(name, 1), int)]
    return fields(request, **dict.fromkeys(wrong))


def _told(event: Block, cause: str, code: str) -> Block:
    return event.changed(cause=cause, code=code)


def _signaled(event: Block) -> Block:
    is_it = event.data.get("cause") == "out_of_memory"
    return _told(event, "signaled", "COMMAND_FAILED") if is_it else event


def _out_of_memory(event: Block) -> Block:
    is_it = (event.data.get("cause"), event.data.get("signal")) == ("signaled", "SIGKILL")
    return _told(event, "out_of_memory", "OUT_OF_MEMORY") if is_it else event


def _holding(_token: str | None) -> Rewrite:
    """Refuse others while a background command with a limit of processes runs."""
    live: set[str] = set()

    def whole(request: Request) -> Request | Reply:
        if request.method == "DELETE":
            live.discard(request.asks("id") or "")
        elif live and "echo" in str(request.mapping.get("command")):
            return refusal(request, 429, "LIMIT_REACHED")
        elif request.mapping.get("background") is True and request.mapping.get("pids_limit"):
            live.add(str(request.mapping.get("execution_id")))
        return request

    return Rewrite(where=lambda request: request.path == "/command", whole=whole)


def _starts(change: Callable[[Request], Request]) -> Making:
    return steady(Rewrite(where=_COMMAND, whole=change))


MUTANTS = (
    Mutant(
        "memory-limit-dropped",
        "memory_limit_bytes is ignored.",
        (
            "a_run_has_no_more_memory_than_its_limit/run-limits.memory",
            "a_run_has_no_more_memory_than_its_limit/run-limits.memory-end",
            "limits_of_a_run_are_arguments/sdk.run-limits",
        ),
        dropped(_COMMAND, "memory_limit_bytes"),
    ),
    Mutant(
        "pids-limit-raised",
        "A run may have forty processes more than its limit.",
        (
            "a_run_has_no_more_processes_than_its_limit/run-limits.pids",
            "a_fork_bomb_is_held_and_stopped/run-limits.pids",
        ),
        _starts(_more_processes),
    ),
    Mutant(
        "limits-of-any-type",
        "A limit that is no number is none.",
        ("a_limit_that_cannot_be_meant_is_refused/run-limits.bounds",),
        _starts(_any_limit),
    ),
    Mutant(
        "memory-end-signaled",
        "A run that is out of memory has died of a signal.",
        (
            "a_run_has_no_more_memory_than_its_limit/run-limits.memory-end",
            "limits_of_a_run_are_arguments/sdk.run-limits",
        ),
        runs(each(_signaled)),
    ),
    Mutant(
        "killed-is-out-of-memory",
        "Whoever is killed is out of memory.",
        ("a_run_has_no_more_memory_than_its_limit/run-limits.memory-end",),
        runs(each(_out_of_memory)),
    ),
    Mutant(
        "bomb-holds-others",
        "While a bomb goes off no other command is taken.",
        ("a_fork_bomb_is_held_and_stopped/run-limits.alone",),
        _holding,
    ),
    Mutant(
        "bomb-goes-on",
        "An interrupt is answered and ends nothing.",
        (
            "a_fork_bomb_is_held_and_stopped/run-limits.stop",
            "what_a_run_with_limits_has_left_can_be_interrupted/run-limits.stop",
            "what_a_run_with_limits_has_left_can_be_interrupted/run-limits.after-end",
        ),
        swallowed(_INTERRUPT),
    ),
)
