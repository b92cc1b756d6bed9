"""Mutants of code: contexts, cells, their results and their ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Events, Making, Mutant, answer, each, each_of, fields, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_RUN, _INTERRUPT, _CREATE = route("POST", "/code"), route("DELETE", "/code"), route("POST", "/code/context")
_LIST = route("GET", "/code/contexts")


def _cells(events: Events) -> Making:
    return steady(Rewrite(where=_RUN, events=events))


def _starts(ask: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_RUN, whole=ask))


def _dropped(*names: str) -> Making:
    return _starts(lambda request: fields(request, **dict.fromkeys(names)))


def _results(change: Callable[[dict[str, object]], dict[str, object]]) -> Making:
    """Change the map of a result."""
    return _cells(each_of("result", lambda event: event.changed(results=change(event.data.get("results", {})))))


def _as_json(results: dict[str, object]) -> dict[str, object]:
    return {mime: json.loads(str(text)) if mime.endswith("json") else text for mime, text in results.items()}


def _as_lists(results: dict[str, object]) -> dict[str, object]:
    return {mime: [text] for mime, text in results.items()}


def _only_text(results: dict[str, object]) -> dict[str, object]:
    return {mime: text for mime, text in results.items() if mime in {"text", "text/plain"}}


def _no_alias(results: dict[str, object]) -> dict[str, object]:
    return {mime: text for mime, text in results.items() if mime != "text"}


def _flag(*, turned: bool) -> Callable[[Block], Block]:
    def change(event: Block) -> Block:
        return event.changed(is_main_result=not event.data.get("is_main_result") if turned else None)

    return change


def _error(**changed: object) -> Callable[[Block], Block]:
    return lambda event: event.changed(error={**event.data.get("error", {}), **changed})


def _counter_ignored(event: Block) -> Block:
    return event.changed(execution_count=1)


def _lost(event: Block) -> Block:
    return event.changed(state_lost=not event.data.get("state_lost")) if event.is_terminal else event


def _unlost(event: Block) -> Block:
    return event.changed(state_lost=None) if event.is_terminal else event


def _failed(event: Block) -> Block:
    return event.changed(code="EXECUTION_FAILED", cause="raised")


def _died_as_complete(event: Block) -> Block:
    if event.data.get("cause") not in {"kernel_died", "out_of_memory"}:
        return event
    return event.changed(type="execution_complete", error=None, code=None, cause="completed")


def _in_default(request: Request) -> Request:
    """Run in the language's default context, whatever context was named."""
    context = request.mapping.get("context")
    return fields(request, context={"language": "python"}) if isinstance(context, dict) and "id" in context else request


def _language_forgotten(request: Request) -> Request:
    context = request.mapping.get("context")
    if not isinstance(context, dict) or "id" not in context:
        return request
    return fields(request, context={key: value for key, value in context.items() if key != "language"})


def _guessed(request: Request) -> Request:
    """Take code of no language for Python."""
    body = request.json
    context = body.get("context") if isinstance(body, dict) and "code" in body else {"id": ""}
    if context and ("id" in context or "language" in context):
        return request
    return fields(request, context={**(context or {}), "language": "python"})


def _spliced(request: Request) -> Request:
    """Set a run's variables by code in front of the caller's, and leave them there."""
    body = request.json
    envs = body.get("envs") if isinstance(body, dict) else None
    if not isinstance(envs, dict):
        return request
    before = "".join(f"__import__('os').environ[{key!r}] = {value!r}\n" for key, value in envs.items())
    return fields(request, envs=None, code=before + str(body["code"]))


def _swallowed(where: Callable[[Request], bool]) -> Making:
    return steady(Rewrite(where=where, ask=lambda request: answer(request, 200)))


def _deletes_one(request: Request) -> bool:
    return request.method == "DELETE" and request.path.startswith("/code/contexts/")


def _restarts(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/restart")


def _restart_told(request: Request) -> Reply:
    context = request.path.split("/")[3]
    return answer(request, 200, {"id": context, "language": "python", "cwd": "/"})


def _not_heeded(*names: str) -> Making:
    """Make contexts without heeding these fields."""
    return steady(Rewrite(where=_CREATE, whole=lambda request: fields(request, **dict.fromkeys(names))))


def _empty(_request: Request, reply: Reply) -> Reply:
    return reply.with_json([]) if reply.status == 200 else reply


def _null(_request: Request, reply: Reply) -> Reply:
    return reply.with_body(b"null") if reply.body == b"[]" else reply


def _any_language(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key != "language"])


def _contexts(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(where=_LIST, reply=change))


def _created(**changed: object) -> Making:
    def reply(_request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        merged = {key: value for key, value in {**reply.mapping, **changed}.items() if value is not None}
        return reply.with_json(merged)

    return steady(Rewrite(where=_CREATE, reply=reply))


def _installed_untold(_request: Request, reply: Reply) -> Reply:
    if reply.mapping.get("code") != "LANGUAGE_NOT_SUPPORTED":
        return reply
    return reply.with_json({key: value for key, value in reply.mapping.items() if key != "details"})


def _unknown_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.status == 404 else reply


async def _late(_request: Request, events: Blocks) -> Blocks:
    """Send what a cell prints only with its end."""
    held: list[Block] = []
    async for event in events:
        if event.is_output or event.type == "result":
            held.append(event)
            continue
        if event.is_terminal:
            for each_held in held:
                yield each_held
        yield event


async def _slow_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        if event.is_terminal and event.data.get("cause") in {"kernel_died", "out_of_memory"}:
            await asyncio.sleep(5)
        yield event


def _untold(kind: str, field: str | None = None, text: str | None = None) -> Making:
    """Leave out events of a type, or a field of theirs."""

    def change(event: Block) -> Block | None:
        if text is not None and event.data.get("text") != text:
            return event
        return None if field is None else event.changed(**{field: None})

    return _cells(each_of(kind, change))


def _languages(change: Callable[[dict[str, object]], dict[str, object]]) -> Making:
    def reply(_request: Request, reply: Reply) -> Reply:
        return reply.with_json([change(language) for language in reply.json]) if reply.status == 200 else reply

    return steady(Rewrite(where=route("GET", "/code/languages"), reply=reply))


MUTANTS = (
    Mutant(
        "result-of-json",
        "JSON in a result is not text.",
        ("what_is_displayed_is_passed_on/cell.json",),
        _results(_as_json),
    ),
    Mutant(
        "result-of-lists",
        "The values of a result are lists.",
        ("every_value_of_a_result_is_a_string/cell.value-strings",),
        _results(_as_lists),
    ),
    Mutant(
        "result-only-text",
        "Other MIME types than text are dropped.",
        ("what_is_displayed_is_passed_on/cell.mime-types",),
        _results(_only_text),
    ),
    Mutant(
        "result-without-text",
        "A result has no `text` beside text/plain.",
        ("cells_tell_what_they_do/cell.value-text",),
        _results(_no_alias),
    ),
    Mutant(
        "result-without-data",
        "A result has no structured data.",
        ("what_is_displayed_is_passed_on/event.result-data",),
        _untold("result", "data"),
    ),
    Mutant(
        "result-main-turned",
        "is_main_result says the opposite.",
        ("what_is_displayed_is_passed_on/event.result-main",),
        _cells(each_of("result", _flag(turned=True))),
    ),
    Mutant(
        "result-without-metadata",
        "Metadata of results is dropped.",
        ("what_is_displayed_is_passed_on/event.result-display",),
        _untold("result", "metadata"),
    ),
    Mutant(
        "display-without-id",
        "display_id is dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.display-update",),
        _untold("result", "display_id"),
    ),
    Mutant(
        "display-not-updated",
        "Updates of a display are dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.display-update",),
        _untold("result", "update"),
    ),
    Mutant(
        "result-lost",
        "The value of the last expression is lost.",
        ("cells_tell_what_they_do/cell.value",),
        _untold("result"),
    ),
    Mutant(
        "clear-output-lost",
        "clear_output is dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.clear-output",),
        _untold("clear_output"),
    ),
    Mutant(
        "count-constant",
        "Every cell is number 1.",
        ("cells_tell_what_they_do/cell.count",),
        _cells(each_of("execution_count", _counter_ignored)),
    ),
    Mutant(
        "count-lost",
        "A cell's number is not told.",
        ("cells_tell_what_they_do/event.execution-count",),
        _untold("execution_count"),
    ),
    Mutant(
        "cell-output-late",
        "What a cell prints comes with its end.",
        ("output_comes_while_the_cell_runs/cell.live",),
        _cells(_late),
    ),
    Mutant(
        "queued-untold",
        "A cell in line does not say so.",
        ("runs_in_line/queue.status",),
        _untold("status", text="queued"),
    ),
    Mutant(
        "restarted-untold",
        "Lost state is not told by the next cell.",
        ("a_kernel_that_is_killed_from_outside/kernel.status-restarted",),
        _untold("status", text="restarted"),
    ),
    Mutant(
        "cell-traceback-empty",
        "The traceback of an exception is empty.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception-traceback",),
        _cells(each_of("error", _error(traceback=[]))),
    ),
    Mutant(
        "cell-ename-other",
        "Every exception is an Exception.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception",),
        _cells(each_of("error", _error(ename="Exception"))),
    ),
    Mutant(
        "cell-evalue-empty",
        "Exceptions say nothing.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception",),
        _cells(each_of("error", _error(evalue=""))),
    ),
    Mutant(
        "state-lost-turned",
        "state_lost says the opposite.",
        ("the_end_of_a_cell_adds_up/end.state-lost",),
        _cells(each(_lost)),
    ),
    Mutant(
        "state-lost-untold",
        "state_lost is not told.",
        ("the_end_of_a_cell_adds_up/end.state-lost",),
        _cells(each(_unlost)),
    ),
    Mutant(
        "cell-ends-as-raised",
        "Every error of a cell is an exception's.",
        ("the_end_that_an_interrupt_makes/cell-interrupt.end",),
        _cells(each_of("error", _failed)),
    ),
    Mutant(
        "death-as-complete",
        "A kernel's death is a cell that is done.",
        ("a_kernel_that_dies_in_a_cell/end.kernel-died",),
        _cells(each(_died_as_complete)),
    ),
    Mutant(
        "death-told-late",
        "A kernel's death is told seconds later.",
        ("a_kernel_that_dies_in_a_cell/kernel.death-told",),
        _cells(_slow_end),
    ),
    Mutant(
        "cell-timeout-swallowed", "Cells have no timeout.", ("a_cell_at_its_timeout/cell.timeout",), _dropped("timeout")
    ),
    Mutant("cell-envs-dropped", "envs of a cell are ignored.", ("variables_of_one_run/cell.envs",), _dropped("envs")),
    Mutant(
        "cell-envs-spliced",
        "envs of a cell are set by code in front of it.",
        ("variables_of_one_run/cell.envs-no-trace",),
        _starts(_spliced),
    ),
    Mutant(
        "ephemeral-dropped", "ephemeral is ignored.", ("which_context_runs_it/code.ephemeral",), _dropped("ephemeral")
    ),
    Mutant(
        "stdin-of-cells-dropped", "allow_stdin is ignored.", ("code_that_asks/cell.input",), _dropped("allow_stdin")
    ),
    Mutant(
        "context-ignored",
        "All code runs in the default context.",
        ("code_starts_in_its_place/context.cwd",),
        _starts(_in_default),
    ),
    Mutant(
        "context-language-ignored",
        "A language beside a context is not looked at.",
        ("which_context_runs_it/code.language-mismatch",),
        _starts(_language_forgotten),
    ),
    Mutant(
        "language-guessed",
        "Code of no language is Python.",
        ("which_context_runs_it/code.no-language",),
        _starts(_guessed),
    ),
    Mutant(
        "code-interrupt-swallowed",
        "DELETE /code is answered and not done.",
        ("an_interrupt_ends_a_cell/cell-interrupt.sleep",),
        _swallowed(_INTERRUPT),
    ),
    Mutant(
        "code-interrupt-of-unknown",
        "Interrupting what is not there is 200.",
        ("an_interrupt_ends_a_cell/cell-interrupt.unknown",),
        steady(Rewrite(where=_INTERRUPT, reply=_unknown_fine)),
    ),
    Mutant(
        "context-kept",
        "Deleting a context is answered and not done.",
        ("a_context_is_made_found_and_deleted/context.delete",),
        _swallowed(_deletes_one),
    ),
    Mutant(
        "restart-swallowed",
        "Restarting a context is answered and not done.",
        ("a_restart_gives_a_fresh_kernel/context.restart",),
        steady(Rewrite(where=_restarts, ask=_restart_told)),
    ),
    Mutant(
        "context-cwd-dropped",
        "The cwd of a context is ignored.",
        ("code_starts_in_its_place/context.cwd",),
        _not_heeded("cwd"),
    ),
    Mutant(
        "context-envs-dropped",
        "The envs of a context are ignored.",
        ("code_starts_in_its_place/context.envs",),
        _not_heeded("envs"),
    ),
    Mutant(
        "context-of-another",
        "A new context's id is another's.",
        ("a_context_is_made_found_and_deleted/context.create-usable",),
        _created(id="nobody"),
    ),
    Mutant(
        "context-without-cwd",
        "A new context does not tell its cwd.",
        ("contexts_are_told_with_their_place/context.create",),
        _created(cwd=None),
    ),
    Mutant(
        "contexts-empty",
        "The list of contexts is empty.",
        ("a_context_is_made_found_and_deleted/context.list",),
        _contexts(_empty),
    ),
    Mutant(
        "contexts-null",
        "An empty list of contexts is null.",
        ("a_daemon_with_a_default_language_and_a_limit/context.list-empty",),
        _contexts(_null),
    ),
    Mutant(
        "contexts-unfiltered",
        "The list's language is ignored.",
        ("a_context_is_made_found_and_deleted/context.list-by-language",),
        steady(Rewrite(where=_LIST, ask=_any_language)),
    ),
    Mutant(
        "installed-untold",
        "Nobody is told which languages there are.",
        ("a_language_that_is_not_there_is_refused/language.installed",),
        steady(Rewrite(reply=_installed_untold)),
    ),
    Mutant(
        "languages-without-kernel",
        "Languages do not tell their kernel.",
        ("languages_are_told/language.list",),
        _languages(lambda each: {**each, "kernel": None}),
    ),
    Mutant(
        "languages-without-aliases",
        "Languages do not tell their aliases.",
        ("languages_are_told/language.python",),
        _languages(lambda each: {**each, "aliases": []}),
    ),
)
