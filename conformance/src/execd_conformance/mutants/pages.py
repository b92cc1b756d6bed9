"""Mutants of what pages of the web may do."""

from __future__ import annotations

from dataclasses import replace

from execd_conformance.mutants.messages import Reply, Request, without
from execd_conformance.mutants.mutant import Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite


def _origin_ignored(request: Request) -> Request:
    return replace(request, headers=without(request.headers, "origin"))


def _host_ignored(request: Request) -> Request:
    return request.with_header("host", "127.0.0.1")


def _any_host_refused(request: Request) -> Request | Reply:
    host = (request.header("host") or "").partition(":")[0]
    local = host in {"localhost", "127.0.0.1", ""} or host.replace(".", "").isdigit()
    return request if local else refusal(request, 403, "FORBIDDEN_ORIGIN")


def _own_host_refused(request: Request) -> Request | Reply:
    host = (request.header("host") or "").partition(":")[0]
    return refusal(request, 403, "FORBIDDEN_ORIGIN") if host == "localhost" else request


MUTANTS = (
    Mutant(
        "origin-ignored",
        "A page from anywhere may drive the daemon.",
        (
            "a_web_page_reaches_nothing_without_a_token/browsers.foreign-origin",
            "a_token_lets_any_name_in_but_no_foreign_handshake/browsers.handshake-origin",
        ),
        steady(Rewrite(ask=_origin_ignored)),
    ),
    Mutant(
        "host-ignored",
        "A page may rebind its name to the daemon.",
        ("a_web_page_reaches_nothing_without_a_token/browsers.foreign-host",),
        steady(Rewrite(ask=_host_ignored)),
    ),
    Mutant(
        "host-always-checked",
        "With a token too, only addresses may be asked for.",
        ("a_token_lets_any_name_in_but_no_foreign_handshake/browsers.any-host-with-token",),
        steady(Rewrite(ask=_any_host_refused)),
    ),
    Mutant(
        "host-own-refused",
        "localhost may not be asked for.",
        ("a_local_daemon_answers_to_its_own_names/browsers.own-host",),
        steady(Rewrite(ask=_own_host_refused)),
    ),
)
