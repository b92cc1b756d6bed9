"""Searches by pattern."""

from __future__ import annotations

from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.trees import asked, below, refusal

_PATTERNS: Final[tuple[tuple[str, str, list[str]], ...]] = (
    ("search.base-name", "*.py", ["a.py", "src/.h.py", "src/b.py", "src/deep/c.py"]),
    ("search.base-name", "b.py", ["src/b.py"]),
    ("search.base-name", "nothing", []),
    ("search.relative-path", "src/*.py", ["src/.h.py", "src/b.py"]),
    ("search.relative-path", "**/*.py", ["a.py", "src/.h.py", "src/b.py", "src/deep/c.py"]),
    ("search.relative-path", "src/**/*.py", ["src/.h.py", "src/b.py", "src/deep/c.py"]),
    ("search.relative-path", "**/deep/**", ["src/deep/c.py"]),
    ("search.relative-path", "./*.py", ["a.py"]),
    ("search.relative-path", "./*.txt", ["[x].txt", "ab.txt", "zoé.txt"]),
    ("search.wildcards", "?.py", ["a.py", "src/b.py", "src/deep/c.py"]),
    ("search.wildcards", "[bc].py", ["src/b.py", "src/deep/c.py"]),
    ("search.wildcards", "[!bc].py", ["a.py"]),
    ("search.wildcards", "[a-b].py", ["a.py", "src/b.py"]),
    ("search.wildcards", "{a,c}.py", ["a.py", "src/deep/c.py"]),
    (
        "search.wildcards",
        "*.{py,txt}",
        ["[x].txt", "a.py", "ab.txt", "src/.h.py", "src/b.py", "src/deep/c.py", "zoé.txt"],
    ),
    ("search.wildcards", "[[]x].txt", ["[x].txt"]),
    ("search.wildcards", "zo?.txt", ["zoé.txt"]),
)
"""Requirement, pattern, what matches."""


@scenario(
    "files",
    "search.base-name",
    "search.relative-path",
    "search.wildcards",
    "search.order",
    "search.missing",
    "search.fields",
    "search.no-query",
    profiles=["compat"],
)
async def test_files_are_found_by_patterns(checks: Checks, raw: Raw, folder: str) -> None:
    """Patterns of every form, and the order of what is found."""
    await raw.run(
        "mkdir -p src/deep; touch a.py ab.txt zoé.txt '[x].txt' src/b.py src/.h.py src/deep/c.py; ln -s src link; "
        "ln -s .. src/up",
        cwd=folder,
    )
    for requirement, pattern, want in _PATTERNS:
        found = below(await asked(raw, "GET", "/files/search", path=folder, pattern=pattern), folder)
        checks.equal(requirement, (pattern, sorted(found)), (pattern, sorted(want)))
        if requirement != "search.wildcards":
            checks.equal("search.order", (pattern, found), (pattern, want))
    entry = (await asked(raw, "GET", "/files/search", path=folder, pattern="a.py")).json()[0]
    checks.that("search.fields", {"path", "size", "mode", "owner", "group", "modified_at"} <= set(entry), entry)
    missing = await asked(raw, "GET", "/files/search", path=f"{folder}/none", pattern="*")
    checks.equal("search.missing", refusal(missing), "404 FILE_NOT_FOUND")
    checks.equal("search.no-query", (await asked(raw, "GET", "/files/search", pattern="*")).status, 400)


@scenario("files", "search.limit", "search.streamed", "search.unreadable", features=["directories"])
async def test_a_search_keeps_to_its_tree_and_its_limit(checks: Checks, raw: Raw, folder: str) -> None:
    """Limits, directories, links that would lead around, places that may not be read, names that are no text."""
    await raw.run(
        "mkdir -p a/b closed bytes; touch a/x a/b/x closed/x; ln -s .. a/up; ln -s a around; chmod 0 closed; "
        "touch bytes/$'\\377x'; for i in $(seq 1 1500); do : > bytes/$i.many; done",
        cwd=folder,
    )

    async def found(pattern: str, **more: str) -> list[str] | str:
        return below(await asked(raw, "GET", "/files/search", path=folder, pattern=pattern, **more), folder)

    checks.equal("search.limit", await found("x", limit="1"), ["a/b/x"])
    checks.equal("search.limit", await found("x", limit="0"), [])
    checks.equal("search.limit", await found("b"), [])
    checks.equal("search.limit", await found("b", include_directories="true"), ["a/b"])
    of_a = [path for path in await found("x") if not path.startswith("closed")]
    checks.equal("search.streamed", of_a, ["a/b/x", "a/x"])
    many = await found("*.many")
    checks.equal("search.streamed", len(many), 1500)
    odd = await asked(raw, "GET", "/files/search", path=f"{folder}/bytes", pattern="?x")
    told = odd.json() if odd.status == 200 else []
    checks.that("search.unreadable", len(told) == 1 and "path_b64" in told[0], told)
    await raw.run("chmod 700 closed", cwd=folder)
