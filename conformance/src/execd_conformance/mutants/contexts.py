"""Mutants of contexts and languages: what is made, listed, restarted and deleted, and which one runs a cell."""

from __future__ import annotations

from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import (
    Making,
    Mutant,
    answer,
    dropped,
    fields,
    steady,
    swallowed,
)
from execd_conformance.mutants.rewrite import Rewrite, route

_RUN = route("POST", "/code")

_CREATE = route("POST", "/code/context")

_LIST = route("GET", "/code/contexts")


def _starts(ask: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_RUN, whole=ask))


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


def _deletes_one(request: Request) -> bool:
    return request.method == "DELETE" and request.path.startswith("/code/contexts/")


def _restarts(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/restart")


def _restart_told(request: Request) -> Reply:
    context = request.path.split("/")[3]
    return answer(request, 200, {"id": context, "language": "python", "cwd": "/"})


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


def _languages(change: Callable[[dict[str, object]], dict[str, object]]) -> Making:
    def reply(_request: Request, reply: Reply) -> Reply:
        return reply.with_json([change(language) for language in reply.json]) if reply.status == 200 else reply

    return steady(Rewrite(where=route("GET", "/code/languages"), reply=reply))


def _dwindling(_token: str | None) -> Rewrite:
    """Tell of no kernel that stands ready once a context has been made."""
    made: list[str] = []

    def counts(request: Request) -> bool:
        if request.method == "POST" and request.path == "/code/context":
            made.append(request.path)
        return request.path == "/code/languages"

    def reply(_request: Request, reply: Reply) -> Reply:
        told = reply.json
        if not made or reply.status != 200 or not isinstance(told, list):
            return reply
        return reply.with_json([{**each, "warm": 0} for each in told])

    return Rewrite(where=counts, reply=reply)


MUTANTS = (
    Mutant(
        "ephemeral-dropped",
        "ephemeral is ignored.",
        (
            "which_context_runs_it/code.ephemeral",
            "contexts_in_every_language/code.ephemeral",
        ),
        dropped(_RUN, "ephemeral"),
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
        "context-kept",
        "Deleting a context is answered and not done.",
        ("a_context_is_made_found_and_deleted/context.delete",),
        swallowed(_deletes_one),
    ),
    Mutant(
        "restart-swallowed",
        "Restarting a context is answered and not done.",
        (
            "a_restart_gives_a_fresh_kernel/context.restart",
            "surroundings_in_every_language/context.restart",
            "a_restart_in_every_language/context.restart-ends-run",
        ),
        steady(Rewrite(where=_restarts, ask=_restart_told)),
    ),
    Mutant(
        "context-cwd-dropped",
        "The cwd of a context is ignored.",
        (
            "code_starts_in_its_place/context.cwd",
            "surroundings_in_every_language/context.cwd",
        ),
        dropped(_CREATE, "cwd"),
    ),
    Mutant(
        "context-id-dropped",
        "The id that a client chooses for a context is ignored.",
        ("a_context_that_is_started_again_under_its_id/context.repeated-start",),
        dropped(_CREATE, "context_id"),
    ),
    Mutant(
        "context-envs-dropped",
        "The envs of a context are ignored.",
        (
            "code_starts_in_its_place/context.envs",
            "surroundings_in_every_language/context.envs",
        ),
        dropped(_CREATE, "envs"),
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
        "none-stands-ready",
        "Languages tell of no kernel that stands ready.",
        ("as_many_kernels_stand_ready_as_were_asked_for/warm.setting",),
        _languages(lambda each: {**each, "warm": 0}),
    ),
    Mutant(
        "some-stand-ready",
        "Languages tell of a kernel that nobody asked for.",
        ("as_many_kernels_stand_ready_as_were_asked_for/warm.none-by-default",),
        _languages(lambda each: {**each, "warm": 1}),
    ),
    Mutant(
        "warm-memory-untold",
        "Languages do not tell what memory waits.",
        ("as_many_kernels_stand_ready_as_were_asked_for/warm.told",),
        _languages(lambda each: {key: value for key, value in each.items() if key != "warm_memory_bytes"}),
    ),
    Mutant(
        "warm-kernels-dwindle",
        "A kernel that was handed out is not replaced.",
        ("a_kernel_that_stood_ready_is_like_one_started_now/warm.replaced",),
        _dwindling,
    ),
    Mutant(
        "warm-cwd-kept",
        "A kernel that stood ready stays where it was.",
        ("a_kernel_that_stood_ready_is_like_one_started_now/warm.own-surroundings",),
        dropped(_CREATE, "cwd"),
    ),
    Mutant(
        "warm-kernels-shared",
        "Contexts that get a kernel which stood ready get the same one.",
        ("a_kernel_that_stood_ready_is_like_one_started_now/warm.nothing-shared",),
        _starts(_in_default),
    ),
    Mutant(
        "warm-kernels-outdated",
        "Contexts that are made after an installation run where they ran before.",
        ("what_has_changed_while_a_kernel_waited_is_there/warm.installed",),
        _starts(_in_default),
    ),
    Mutant(
        "warm-variables-late",
        "Variables come when a kernel has read them.",
        ("what_has_changed_while_a_kernel_waited_is_there/warm.fixed-variables",),
        dropped(_CREATE, "envs"),
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
