"""Daemons behind a mutant's proxies, and what the mutant itself is to blame for."""

from __future__ import annotations

import pytest

from conformance.tests import odd
from execd_conformance.broken import Broken
from execd_conformance.mutants.messages import Request
from execd_conformance.mutants.mutant import steady
from execd_conformance.mutants.rewrite import IDENTITY, Cut, Rewrite
from execd_conformance.mutants.target import MutatedTarget, Proxies
from execd_conformance.raw import Raw
from execd_conformance.targets import Place
from execd_conformance.targets.url import UrlTarget


def crashes(request: Request) -> Request:
    raise KeyError(request.method)


def cuts(request: Request) -> Request:
    raise Cut


@pytest.mark.parametrize(
    ("rewrite", "faults"), [(Rewrite(ask=crashes), ["KeyError('GET')"] * 2), (Rewrite(ask=cuts), [])]
)
async def test_what_a_rewrite_raises_is_kept_for_all_daemons(rewrite: Rewrite, faults: list[str]) -> None:
    with odd.serving(odd.html) as there:
        mutated = MutatedTarget(UrlTarget(there.url), steady(rewrite), Proxies())
        further = mutated.start({}, token=None)
        for url in (mutated.front(Place(url=there.url, token=None)).url, further.place.url):
            raw = Raw(url, None)
            with pytest.raises(Broken):
                await raw.request("GET", "/ping")
            await raw.aclose()
        further.close()
        mutated.close()
    assert mutated.faults == faults


async def test_one_that_changes_nothing_is_at_no_fault() -> None:
    with odd.serving(odd.html) as there:
        mutated = MutatedTarget(UrlTarget(there.url), steady(IDENTITY), Proxies())
        raw = Raw(mutated.front(Place(url=there.url, token=None)).url, None)
        assert (await raw.request("GET", "/ping")).status == 200
        await raw.aclose()
        mutated.close()
    assert mutated.faults == []
