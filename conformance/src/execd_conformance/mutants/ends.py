"""Mutants of terminal events: how a run ended, and what its output is counted as."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Request
from execd_conformance.mutants.mutant import Mutant, each, each_of, is_run, runs
from execd_conformance.mutants.rewrite import Blocks, Rewrite

EVERY = 50
CROWD = 8


def _complete_for_error(event: Block) -> Block:
    if event.type != "error":
        return event
    return event.changed(type="execution_complete", error=None, code=None)


def _error_for_complete(event: Block) -> Block:
    if event.type != "execution_complete":
        return event
    error = {"ename": "CommandExecError", "evalue": "0", "traceback": ["exit status 0"]}
    return event.changed(type="error", error=error, code="COMMAND_FAILED")


async def _complete_after_error(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.type == "error":
            number = None if event.number is None else event.number + 1
            yield _complete_for_error(event).numbered(number)


def _other_exit(event: Block) -> Block:
    if not event.is_terminal or "exit_code" not in event.data:
        return event
    code = event.data["exit_code"] + 1
    if event.type == "execution_complete":
        return event.changed(exit_code=code)
    return event.changed(exit_code=code, error={**event.data["error"], "evalue": str(code)})


def _sometimes(_token: str | None) -> Rewrite:
    """Every fiftieth command says that it went well, whatever it did."""
    count = itertools.count(1)

    async def events(request: Request, blocks: Blocks) -> Blocks:
        is_it = request.path == "/command" and next(count) % EVERY == 0
        async for event in blocks:
            yield _other_exit(event) if is_it else event

    return Rewrite(where=is_run, events=events)


def _in_a_crowd(_token: str | None) -> Rewrite:
    """While several streams are open, what they say last is lost."""
    open_now = 0

    async def events(_request: Request, blocks: Blocks) -> Blocks:
        nonlocal open_now
        open_now += 1
        try:
            crowded = False
            async for event in blocks:
                crowded = crowded or open_now >= CROWD
                if crowded and event.is_output and event.data.get("text"):
                    yield event.changed(text=event.data["text"][:-1])
                else:
                    yield event
        finally:
            open_now -= 1

    return Rewrite(where=is_run, events=events)


def _end(change: Callable[[Block], Block]) -> Callable[[Block], Block]:
    return lambda event: change(event) if event.is_terminal else event


def _error(**changed: object) -> Callable[[Block], Block]:
    return lambda event: event.changed(error={**event.data.get("error", {}), **changed})


def _cause(event: Block) -> Block:
    return event.changed(cause="exited", code="COMMAND_FAILED") if event.type == "error" else event


def _counts(event: Block) -> Block:
    return event.changed(stdout_bytes=event.data.get("stdout_bytes", 0) + 1) if event.is_terminal else event


def _counts_of_text(event: Block) -> Block:
    """Count the streams the other way round."""
    data = event.data
    return event.changed(stdout_bytes=data.get("stderr_bytes"), stderr_bytes=data.get("stdout_bytes"))


def _no_time(event: Block) -> Block:
    return event.changed(execution_time=None)


def _time_in_seconds(event: Block) -> Block:
    return event.changed(execution_time=event.data.get("execution_time", 0) / 1000)


def _time_zero(event: Block) -> Block:
    return event.changed(execution_time=0)


def _signal_number(event: Block) -> Block:
    return event.changed(signal="15") if "signal" in event.data else event


def _exit_code_of_signal(event: Block) -> Block:
    return event.changed(exit_code=143) if "signal" in event.data else event


MUTANTS = (
    Mutant(
        "complete-for-error",
        "A run that failed ends with execution_complete.",
        (
            "an_exit_is_told_with_its_code/end.exit-other",
            "a_deployed_client_reads_how_a_command_failed/end.error-alone",
            "a_deployed_client_reads_a_stream/end.error-alone",
        ),
        runs(each(_complete_for_error)),
    ),
    Mutant(
        "error-for-complete",
        "A run that went well ends with an error.",
        ("an_exit_is_told_with_its_code/end.exit-zero",),
        runs(each(_error_for_complete)),
    ),
    Mutant(
        "complete-after-error",
        "An execution_complete follows the error.",
        (
            "a_deployed_client_reads_how_a_command_failed/end.error-alone",
            "a_deployed_client_reads_how_a_command_failed/stream.terminal-once",
            "a_deployed_client_reads_a_stream/end.error-alone",
        ),
        runs(_complete_after_error),
    ),
    Mutant(
        "exit-code-wrong",
        "Exit codes are one too high.",
        (
            "an_exit_is_told_with_its_code/end.exit-zero",
            "an_exit_is_told_with_its_code/end.exit-other",
            "a_deployed_client_reads_how_a_command_failed/end.evalue",
        ),
        runs(each(_other_exit)),
    ),
    Mutant(
        "exit-code-wrong-at-times",
        "Every fiftieth exit code is wrong.",
        ("many_runs_at_once_do_not_mix/end.evalue",),
        _sometimes,
    ),
    Mutant(
        "output-torn-in-a-crowd",
        "While many runs go on, output loses a character.",
        ("many_runs_at_once_do_not_mix/stream.order", "many_runs_at_once_do_not_mix/event.output-stream"),
        _in_a_crowd,
    ),
    Mutant(
        "exit-code-beside-signal",
        "A run that died of a signal has an exit code.",
        ("a_death_by_a_signal_is_told_by_its_name/end.exit-code-only-of-an-exit",),
        runs(each(_exit_code_of_signal)),
    ),
    Mutant(
        "signal-as-number",
        "Signals are numbers.",
        ("a_death_by_a_signal_is_told_by_its_name/end.signal-name",),
        runs(each(_signal_number)),
    ),
    Mutant(
        "cause-always-exited",
        "Every failed run is said to have exited.",
        (
            "a_death_by_a_signal_is_told_by_its_name/end.signaled",
            "a_death_by_a_signal_is_told_by_its_name/end.cause",
            "a_program_that_cannot_start_says_why/end.never-started",
        ),
        runs(each(_cause)),
    ),
    Mutant(
        "cause-missing",
        "Terminal events have no cause.",
        ("at_the_end_the_rest_of_stdout_comes_first/end.cause", "a_death_by_a_signal_is_told_by_its_name/end.cause"),
        runs(each(_end(lambda e: e.changed(cause=None)))),
    ),
    Mutant(
        "code-missing",
        "Errors have no code.",
        (
            "an_exit_is_told_with_its_code/event.error-code",
            "an_exit_is_told_with_its_code/end.exit-other",
            "a_program_that_cannot_start_says_why/end.never-started",
        ),
        runs(each_of("error", lambda e: e.changed(code=None))),
    ),
    Mutant(
        "counts-wrong",
        "stdout_bytes is one too high.",
        ("at_the_end_the_rest_of_stdout_comes_first/end.counts", "an_exit_is_told_with_its_code/end.counts"),
        runs(each(_counts)),
    ),
    Mutant(
        "counts-swapped",
        "The byte counts of the streams are swapped.",
        ("a_very_long_line_comes_in_parts/end.counts", "a_death_by_a_signal_is_told_by_its_name/end.counts"),
        runs(each(_end(_counts_of_text))),
    ),
    Mutant(
        "counts-missing",
        "There are no byte counts.",
        ("at_the_end_the_rest_of_stdout_comes_first/end.counts", "an_exit_is_told_with_its_code/end.counts"),
        runs(each(_end(lambda e: e.changed(stdout_bytes=None, stderr_bytes=None)))),
    ),
    Mutant(
        "time-missing",
        "Terminal events have no execution_time.",
        ("an_exit_is_told_with_its_code/end.execution-time", "an_exit_is_told_with_its_code/event.complete-time"),
        runs(each(_end(_no_time))),
    ),
    Mutant(
        "time-in-seconds",
        "execution_time is in seconds.",
        ("an_exit_is_told_with_its_code/end.execution-time", "an_exit_is_told_with_its_code/event.complete-time"),
        runs(each(_end(_time_in_seconds))),
    ),
    Mutant(
        "time-zero",
        "execution_time is always 0.",
        ("a_timeout_asks_the_whole_group_to_end/end.execution-time",),
        runs(each(_end(_time_zero))),
    ),
    Mutant(
        "truncated-always",
        "Every run is said to be truncated.",
        ("at_the_end_the_rest_of_stdout_comes_first/end.truncated", "an_exit_is_told_with_its_code/end.truncated"),
        runs(each(_end(lambda e: e.changed(truncated=True)))),
    ),
    Mutant(
        "evalue-in-words",
        "evalue of a failed command is prose.",
        ("a_deployed_client_reads_how_a_command_failed/end.evalue", "a_program_that_cannot_start_says_why/end.evalue"),
        runs(each_of("error", _error(evalue="exit status 3"))),
    ),
    Mutant(
        "ename-other",
        "ename of a failed command is another.",
        ("a_deployed_client_reads_how_a_command_failed/end.ename", "a_program_that_cannot_start_says_why/end.ename"),
        runs(each_of("error", _error(ename="Error"))),
    ),
    Mutant(
        "traceback-empty",
        "Errors have an empty traceback.",
        ("a_deployed_client_reads_how_a_command_failed/end.traceback",),
        runs(each_of("error", _error(traceback=[]))),
    ),
    Mutant(
        "traceback-text",
        "The traceback of an error is text.",
        ("a_deployed_client_reads_how_a_command_failed/event.error-shape",),
        runs(each_of("error", _error(traceback="gone wrong"))),
    ),
)
