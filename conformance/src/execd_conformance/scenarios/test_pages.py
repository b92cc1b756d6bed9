"""A list that does not fit into one page goes on in the next."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw


@scenario("commands", "executions.list", features={"replay"})
async def test_a_page_that_is_not_the_last_names_the_next(checks: Checks, raw: Raw) -> None:
    """With more runs than a page may have there is a cursor, and behind it are others."""
    for _ in range(2):
        await raw.run("true")
    first = (await raw.request("GET", "/executions", params={"limit": 1})).json()
    cursor = first.get("next_cursor")
    checks.that("executions.list", isinstance(cursor, str) and len(first["executions"]) == 1, saw=first)
    checks.need(cursor, "a page of one of several runs names the next page")
    second = (await raw.request("GET", "/executions", params={"limit": 1, "cursor": cursor})).json()
    seen = [each.get("id") for page in (first, second) for each in page["executions"]]
    checks.that("executions.list", len(set(seen)) == 2, saw=seen)
