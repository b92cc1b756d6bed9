"""Mutants of logs: what they hold, where they begin and end, and how that is told."""

from __future__ import annotations

import re
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite

_CURSOR = "execd-commands-tail-cursor"
_START = "execd-commands-log-start"
_END = "execd-commands-log-end"
_FEW = 65536


def _is_log(request: Request) -> bool:
    return request.method == "GET" and request.path.startswith("/command/") and request.path.endswith("/logs")


def _logs(change: Callable[[Request, Reply], Reply]) -> Making:
    """Change answers that are logs."""

    def reply(request: Request, reply: Reply) -> Reply:
        return change(request, reply) if reply.status == 200 and request.method == "GET" else reply

    return steady(Rewrite(where=_is_log, reply=reply))


def _without(name: str) -> Making:
    """Do not heed a parameter."""

    def ask(request: Request) -> Request:
        return request.with_query([(key, value) for key, value in request.query if key != name])

    return steady(Rewrite(where=_is_log, ask=ask))


def _told(reply: Reply) -> int:
    return int(reply.header(_CURSOR) or 0)


def _late(_request: Request, reply: Reply) -> Reply:
    return reply.with_header(_CURSOR, str(_told(reply) + 1))


def _own(request: Request, reply: Reply) -> Reply:
    """Count the bytes of the answer alone."""
    cursor = request.asks("cursor") or "0"
    begun = int(cursor) if cursor.isdigit() else 0
    return reply.with_header(_CURSOR, str(begun + len(reply.body)))


def _as_text(_request: Request, reply: Reply) -> Reply:
    return reply.with_body(reply.body.decode("utf-8", "replace").encode())


def _short(_request: Request, reply: Reply) -> Reply:
    """Leave the last byte for the next answer."""
    return reply.with_body(reply.body[:-1]).with_header(_CURSOR, str(_told(reply) - 1)) if reply.body else reply


def _first(_request: Request, reply: Reply) -> Reply:
    return reply.with_body(reply.body[:_FEW])


def _as_lines(_request: Request, reply: Reply) -> Reply:
    return reply.with_body(reply.body.replace(b"\r", b"\n"))


def _refused_is_empty(request: Request, reply: Reply) -> Reply:
    if reply.status != 400:
        return reply
    return answer(request, 200).with_header("content-type", "text/plain; charset=utf-8").with_header(_CURSOR, "0")


def _unknown_is_empty(request: Request, reply: Reply) -> Reply:
    return _refused_is_empty(request, reply.with_status(400)) if reply.status == 404 else reply


def _of_the_background(_token: str | None) -> Rewrite:
    """Only runs that were started in the background have logs."""
    foreground: set[str] = set()

    def where(request: Request) -> bool:
        return _is_log(request) or request.path.startswith("/command/status/")

    def reply(request: Request, reply: Reply) -> Reply:
        told = request.path.split("/")[-2 if _is_log(request) else -1]
        if reply.mapping.get("background") is False:
            foreground.add(told)
        return refusal(request, 404, "COMMAND_NOT_FOUND") if _is_log(request) and told in foreground else reply

    return Rewrite(where=where, reply=reply)


def _until_the_end(_token: str | None) -> Rewrite:
    """What is written after the end of a command is not in its log."""
    ended: dict[str, int] = {}
    finished: set[str] = set()

    def where(request: Request) -> bool:
        return request.method == "GET" and re.fullmatch(r"/command/(status/[^/]+|[^/]+/logs)", request.path) is not None

    def ask(request: Request) -> Request:
        told = request.path.split("/")[-2]
        if not _is_log(request) or told not in ended:
            return request
        return request.with_query([*((k, v) for k, v in request.query if k != "until"), ("until", str(ended[told]))])

    def reply(request: Request, reply: Reply) -> Reply:
        if reply.mapping.get("running") is False:
            finished.add(request.path.split("/")[-1])
        elif _is_log(request) and (told := request.path.split("/")[-2]) in finished:
            ended.setdefault(told, _told(reply))
        return reply

    return Rewrite(where=where, ask=ask, reply=reply)


MUTANTS = (
    Mutant(
        "log-as-page",
        "Logs are said to be HTML.",
        ("a_deployed_client_reads_a_log_as_it_grows/logs.raw",),
        _logs(lambda _request, reply: reply.with_header("content-type", "text/html")),
    ),
    Mutant(
        "log-without-cursor",
        "Logs have no cursor.",
        (
            "a_deployed_client_reads_a_log_as_it_grows/logs.cursor",
            "any_two_places_have_what_lies_between/logs.cursor",
            "a_background_command_goes_on_by_itself/sdk.output",
        ),
        _logs(lambda _request, reply: reply.without_header(_CURSOR)),
    ),
    Mutant(
        "log-cursor-late",
        "The next cursor leaves a byte out.",
        (
            "a_deployed_client_reads_a_log_as_it_grows/logs.cursor",
            "any_two_places_have_what_lies_between/logs.cursor",
            "a_log_tells_where_it_begins/logs.start",
        ),
        _logs(_late),
    ),
    Mutant(
        "log-cursor-of-stream",
        "The cursor of one stream counts that stream alone.",
        (
            "any_two_places_have_what_lies_between/logs.stream",
            "a_log_has_every_byte_as_it_was_written/logs.stream",
        ),
        _logs(_own),
    ),
    Mutant(
        "log-cursor-ignored",
        "A log is always told from the beginning.",
        (
            "a_deployed_client_reads_a_log_as_it_grows/logs.cursor",
            "any_two_places_have_what_lies_between/logs.cursor",
            "a_background_command_is_read_and_spoken_to/sdk.output",
        ),
        _without("cursor"),
    ),
    Mutant(
        "log-stream-ignored",
        "A log has both streams, whichever is wanted.",
        (
            "any_two_places_have_what_lies_between/logs.stream",
            "a_log_has_every_byte_as_it_was_written/logs.raw",
            "a_background_command_is_read_and_spoken_to/sdk.output",
        ),
        _without("stream"),
    ),
    Mutant(
        "log-until-ignored",
        "A log is always told to its end.",
        ("any_two_places_have_what_lies_between/logs.until", "a_large_log_comes_whole_and_in_parts/logs.cursor"),
        _without("until"),
    ),
    Mutant(
        "log-as-text",
        "Bytes that are no text are lost in logs.",
        (
            "a_log_has_every_byte_as_it_was_written/logs.raw",
            "a_log_has_every_byte_as_it_was_written/logs.any-run",
            "a_background_command_is_read_and_spoken_to/sdk.output",
        ),
        _logs(_as_text),
    ),
    Mutant(
        "log-as-lines",
        "Carriage returns become line feeds in logs.",
        ("a_log_has_every_byte_as_it_was_written/logs.raw",),
        _logs(_as_lines),
    ),
    Mutant(
        "log-one-behind",
        "A log's last byte has to wait, though its character is complete.",
        (
            "any_two_places_have_what_lies_between/logs.cut",
            "an_answer_does_not_end_inside_a_character/logs.characters",
            "an_answer_does_not_end_inside_a_character/logs.cut",
        ),
        _logs(_short),
    ),
    Mutant(
        "log-first-block",
        "Of a large log only the beginning comes.",
        (
            "a_large_log_comes_whole_and_in_parts/logs.raw",
            "a_large_log_comes_whole_and_in_parts/logs.stream",
            "a_large_log_comes_whole_and_in_parts/logs.until",
            "a_large_log_needs_little_memory/logs.streamed",
        ),
        _logs(_first),
    ),
    Mutant(
        "log-start-untold",
        "Where a log begins is not told.",
        ("a_log_tells_where_it_begins/logs.start", "output_that_is_no_longer_kept_is_told/sdk.output"),
        _logs(lambda _request, reply: reply.without_header(_START)),
    ),
    Mutant(
        "log-start-as-asked",
        "A log is said to begin where it was asked for.",
        ("a_log_tells_where_it_begins/logs.start", "output_that_is_no_longer_kept_is_told/sdk.output"),
        _logs(lambda request, reply: reply.with_header(_START, request.asks("cursor") or "0")),
    ),
    Mutant(
        "log-end-as-asked",
        "A log is said to end where the answer does.",
        ("any_two_places_have_what_lies_between/logs.end",),
        _logs(lambda _request, reply: reply.with_header(_END, str(_told(reply)))),
    ),
    Mutant(
        "log-of-nowhere",
        "A log from a place that there is not is empty.",
        ("places_that_are_none_are_refused/logs.refused",),
        steady(Rewrite(where=_is_log, reply=_refused_is_empty)),
    ),
    Mutant(
        "log-of-unknown",
        "The log of an unknown id is empty.",
        ("places_that_are_none_are_refused/logs.unknown", "a_live_run_is_stopped_and_forgotten/executions.delete-gone"),
        steady(Rewrite(where=_is_log, reply=_unknown_is_empty)),
    ),
    Mutant(
        "log-of-background-only",
        "A command that was waited for has no log.",
        ("a_log_has_every_byte_as_it_was_written/logs.any-run",),
        _of_the_background,
    ),
    Mutant(
        "log-without-late",
        "What survivors write is lost.",
        ("what_survivors_write_is_in_the_log_of_the_background/process.late-output-of-background",),
        _until_the_end,
    ),
)
