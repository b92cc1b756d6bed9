"""Mutants of trees: lists, searches, and changes of files as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, refusal, steady, swallowed
from execd_conformance.mutants.rewrite import Rewrite, route

_LIST = route("GET", "/directories/list")
_SEARCH = route("GET", "/files/search")
_MAKE = route("POST", "/directories")
_REMOVE_DIRECTORIES = route("DELETE", "/directories")
_REMOVE = route("DELETE", "/files")
_MOVE = route("POST", "/files/mv")
_RIGHTS = route("POST", "/files/permissions")
_REPLACE = route("POST", "/files/replace")
Where = Callable[[Request], bool]
Entry = dict[str, Any]


def _entries(where: Where, change: Callable[[list[Entry]], list[Entry]]) -> Making:
    """Change lists of entries."""

    def reply(_request: Request, reply: Reply) -> Reply:
        found = reply.json
        return reply.with_json(change(found)) if reply.status == 200 and isinstance(found, list) else reply

    return steady(Rewrite(where=where, reply=reply))


def _asking(where: Where, **changed: str | None) -> Making:
    """Ask with other parameters; None leaves one out."""

    def ask(request: Request) -> Request:
        kept = [(key, value) for key, value in request.query if key not in changed]
        return request.with_query(kept + [(key, value) for key, value in changed.items() if value is not None])

    return steady(Rewrite(where=where, ask=ask))


def _patterns(change: Callable[[str], str]) -> Making:
    def ask(request: Request) -> Request:
        return request.with_query([(key, change(value) if key == "pattern" else value) for key, value in request.query])

    return steady(Rewrite(where=_SEARCH, ask=ask))


def _bodies(where: Where, change: Callable[[Any], Any]) -> Making:
    """Change JSON bodies of requests."""

    def whole(request: Request) -> Request:
        body = request.json
        changed = change(body) if body else body
        return request if changed == body else request.with_json(changed)

    return steady(Rewrite(where=where, whole=whole))


def _of_each(where: Where, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Making:
    """Change what is wished of each path."""

    def changed(body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {path: change(wish) if isinstance(wish, dict) else wish for path, wish in body.items()}

    return _bodies(where, changed)


def _instead(where: Where, code: str, status: int, code_instead: str | None) -> Making:
    """Answer another way where a code would come; None: as if all were well."""

    def reply(request: Request, reply: Reply) -> Reply:
        if reply.mapping.get("code") != code:
            return reply
        return answer(request, 200) if code_instead is None else refusal(request, status, code_instead)

    return steady(Rewrite(where=where, reply=reply))


def _details(where: Where, name: str) -> Making:
    """Leave out a detail of refusals."""

    def reply(_request: Request, reply: Reply) -> Reply:
        body = reply.mapping
        details = body.get("details")
        if not isinstance(details, dict) or name not in details:
            return reply
        return reply.with_json({**body, "details": {key: value for key, value in details.items() if key != name}})

    return steady(Rewrite(where=where, reply=reply))


def _chatty(where: Where) -> Making:
    def reply(_request: Request, reply: Reply) -> Reply:
        return reply.with_body(b"{}") if reply.status == 200 and not reply.body else reply

    return steady(Rewrite(where=where, reply=reply))


def _by_name(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: str(entry.get("path", "")).rpartition("/")[2])


def _without_links(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.get("type") != "symlink"]


def _first_only(body: Any) -> Any:
    return body[:1] if isinstance(body, list) else dict(list(body.items())[:1]) if isinstance(body, dict) else body


def _one_path(request: Request) -> Request:
    paths = [pair for pair in request.query if pair[0] == "path"]
    return request.with_query(paths[-1:] + [pair for pair in request.query if pair[0] != "path"])


def _moved_over(body: Any) -> Any:
    """Move to a place that is always free."""
    if not isinstance(body, list):
        return body
    return [{**move, "dest": f"{move.get('dest')}~"} if isinstance(move, dict) else move for move in body]


def _counted(_request: Request, reply: Reply) -> Reply:
    told = reply.mapping
    return reply.with_json({path: {"replacedCount": 1} for path in told}) if reply.status == 200 and told else reply


def _truncated(entries: list[Entry]) -> list[Entry]:
    return entries[:1000]


def _lossy(entries: list[Entry]) -> list[Entry]:
    return [{key: value for key, value in entry.items() if key != "path_b64"} for entry in entries]


def _bare(entries: list[Entry]) -> list[Entry]:
    return [{"path": entry.get("path")} for entry in entries]


def _hidden_left_out(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if "/." not in str(entry.get("path"))]


_MADE = "directories_are_made"
_MADE_NEW = "a_directory_is_made_where_nothing_was"
_REMOVED = "directories_are_removed"
_LISTED = "directories_are_listed"
_FILES_REMOVED = "files_are_removed"
_MOVED = "entries_are_moved"
_SET = "rights_are_set"
_EXCHANGED = "text_in_files_is_exchanged"
_FOUND = "files_are_found_by_patterns"
_KEPT_TO = "a_search_keeps_to_its_tree_and_its_limit"

MUTANTS = (
    Mutant("make-nothing", "Directories are not made.", (f"{_MADE}/directory.make",), swallowed(_MAKE)),
    Mutant(
        "make-one-mode",
        "New directories have mode 755 whatever was asked.",
        (f"{_MADE}/directory.mode",),
        _of_each(_MAKE, lambda wish: {**wish, "mode": 755}),
    ),
    Mutant(
        "make-chatty",
        "Made directories are answered with a body.",
        (f"{_MADE}/directory.empty-success",),
        _chatty(_MAKE),
    ),
    Mutant(
        "make-in-the-way",
        "A file in the way is no conflict.",
        (f"{_MADE}/directory.in-the-way",),
        _instead(_MAKE, "NOT_A_DIRECTORY", 404, "FILE_NOT_FOUND"),
    ),
    Mutant(
        "make-always-parents",
        "parents=false is not heeded.",
        (f"{_MADE_NEW}/directory.no-parents", f"{_MADE_NEW}/error.path-exists"),
        _asking(_MAKE, parents=None),
    ),
    Mutant(
        "make-the-first", "Only the first directory is made.", (f"{_MADE}/directory.make",), _bodies(_MAKE, _first_only)
    ),
    Mutant(
        "remove-nothing",
        "Directories are not removed.",
        (f"{_REMOVED}/directory.remove",),
        swallowed(_REMOVE_DIRECTORIES),
    ),
    Mutant(
        "remove-always-recursive",
        "recursive=false is not heeded.",
        (f"{_REMOVED}/directory.remove-empty", f"{_REMOVED}/error.directory-not-empty"),
        _asking(_REMOVE_DIRECTORIES, recursive=None),
    ),
    Mutant(
        "remove-never-recursive",
        "Only empty directories are removed.",
        (f"{_REMOVED}/directory.remove",),
        _asking(_REMOVE_DIRECTORIES, recursive="false"),
    ),
    Mutant(
        "remove-any-kind",
        "What is no directory is said to be removed.",
        (f"{_REMOVED}/directory.remove-no-directory",),
        _instead(_REMOVE_DIRECTORIES, "NOT_A_DIRECTORY", 200, None),
    ),
    Mutant(
        "list-by-name",
        "A list is in the order of names, not of the tree.",
        (f"{_LISTED}/list.pre-order",),
        _entries(_LIST, _by_name),
    ),
    Mutant("list-flat", "depth is not heeded.", (f"{_LISTED}/list.pre-order",), _asking(_LIST, depth=None)),
    Mutant("list-without-links", "Links are not listed.", (f"{_LISTED}/list.links",), _entries(_LIST, _without_links)),
    Mutant("list-bare", "Entries have nothing but a path.", (f"{_LISTED}/list.fields",), _entries(_LIST, _bare)),
    Mutant(
        "list-any-kind",
        "What is no directory is an empty list.",
        (f"{_LISTED}/list.no-directory",),
        steady(
            Rewrite(
                where=_LIST, reply=lambda request, reply: answer(request, 200, []) if reply.status == 400 else reply
            )
        ),
    ),
    Mutant(
        "list-missing-empty",
        "A missing directory is an empty list.",
        (f"{_LISTED}/list.missing",),
        steady(
            Rewrite(
                where=_LIST, reply=lambda request, reply: answer(request, 200, []) if reply.status == 404 else reply
            )
        ),
    ),
    Mutant(
        "list-depth-0-is-1",
        "depth 0 lists the directory.",
        (f"{_LISTED}/list.depth-0",),
        steady(
            Rewrite(
                where=_LIST,
                ask=lambda request: request.with_query(
                    [(k, "1" if (k, v) == ("depth", "0") else v) for k, v in request.query]
                ),
            )
        ),
    ),
    Mutant(
        "files-stay",
        "Files are not removed.",
        (f"{_FILES_REMOVED}/remove.file", f"{_FILES_REMOVED}/remove.link"),
        swallowed(_REMOVE),
    ),
    Mutant(
        "files-last-only",
        "Of several paths the last one is removed.",
        (f"{_FILES_REMOVED}/remove.file",),
        steady(Rewrite(where=_REMOVE, ask=_one_path)),
    ),
    Mutant(
        "files-missing-404",
        "A missing file is not fine.",
        (f"{_FILES_REMOVED}/remove.missing",),
        steady(
            Rewrite(
                where=_REMOVE,
                ask=lambda r: refusal(r, 404, "FILE_NOT_FOUND") if "missing" in str(r.asks("path")) else r,
            )
        ),
    ),
    Mutant(
        "files-directory-fine",
        "A directory among files is passed over.",
        (f"{_FILES_REMOVED}/remove.directory",),
        _instead(_REMOVE, "IS_A_DIRECTORY", 200, None),
    ),
    Mutant("move-nothing", "Nothing is moved.", (f"{_MOVED}/move.files",), swallowed(_MOVE)),
    Mutant(
        "move-the-first", "Only the first of several is moved.", (f"{_MOVED}/move.files",), _bodies(_MOVE, _first_only)
    ),
    Mutant(
        "move-onto",
        "A destination that exists is no conflict.",
        (f"{_MOVED}/move.exists", f"{_MOVED}/error.path-exists"),
        _instead(_MOVE, "PATH_EXISTS", 200, None),
    ),
    Mutant(
        "move-beside",
        "Things arrive under another name.",
        (f"{_MOVED}/move.files", "entries_are_moved_to_another_file_system/move.across"),
        _bodies(_MOVE, _moved_over),
    ),
    Mutant(
        "move-missing-fine",
        "A missing source is passed over.",
        (f"{_MOVED}/move.missing", f"{_MOVED}/move.all-or-none"),
        _instead(_MOVE, "FILE_NOT_FOUND", 200, None),
    ),
    Mutant("rights-stay", "Rights are not set.", (f"{_SET}/permissions.set",), swallowed(_RIGHTS)),
    Mutant(
        "rights-nine-bits",
        "The bits beyond 777 are not set.",
        (f"{_SET}/permissions.set",),
        _of_each(
            _RIGHTS, lambda wish: {**wish, "mode": wish["mode"] % 1000} if isinstance(wish.get("mode"), int) else wish
        ),
    ),
    Mutant(
        "rights-owner-dropped",
        "An unknown owner or group is passed over.",
        (f"{_SET}/permissions.unknown",),
        _of_each(_RIGHTS, lambda wish: {key: value for key, value in wish.items() if key == "mode"}),
    ),
    Mutant(
        "rights-missing-fine",
        "A missing path is passed over.",
        (f"{_SET}/permissions.missing", "a_change_that_fails_names_its_culprit/permissions.failure"),
        _instead(_RIGHTS, "FILE_NOT_FOUND", 200, None),
    ),
    Mutant(
        "rights-no-culprit",
        "A failure does not say which path it was.",
        ("a_change_that_fails_names_its_culprit/permissions.failure",),
        _details(_RIGHTS, "path"),
    ),
    Mutant(
        "text-stays",
        "Text is not exchanged.",
        (f"{_EXCHANGED}/replace.literal", f"{_EXCHANGED}/replace.verbose"),
        swallowed(_REPLACE),
    ),
    Mutant(
        "text-count-1",
        "Every count is 1.",
        (f"{_EXCHANGED}/replace.verbose",),
        steady(Rewrite(where=_REPLACE, reply=_counted)),
    ),
    Mutant(
        "text-silent",
        "verbose is not heeded.",
        (f"{_EXCHANGED}/replace.verbose",),
        _asking(_REPLACE, verbose=None),
    ),
    Mutant(
        "text-empty-fine",
        "An empty text is passed over.",
        (f"{_EXCHANGED}/replace.empty",),
        _instead(_REPLACE, "INVALID_REQUEST_BODY", 200, None),
    ),
    Mutant(
        "text-missing-fine",
        "A missing file is passed over.",
        (f"{_EXCHANGED}/replace.missing",),
        _instead(_REPLACE, "FILE_NOT_FOUND", 200, None),
    ),
    Mutant(
        "search-top-only",
        "A pattern without a slash is looked for in the directory alone.",
        (f"{_FOUND}/search.base-name",),
        _patterns(lambda pattern: pattern if "/" in pattern else f"./{pattern}"),
    ),
    Mutant(
        "search-stars-are-one",
        "Two stars are as good as one.",
        (f"{_FOUND}/search.relative-path",),
        _patterns(lambda pattern: pattern.replace("**", "*")),
    ),
    Mutant(
        "search-unanchored",
        "A leading ./ does not anchor.",
        (f"{_FOUND}/search.relative-path",),
        _patterns(lambda pattern: pattern.removeprefix("./")),
    ),
    Mutant(
        "search-no-braces",
        "Braces are characters.",
        (f"{_FOUND}/search.wildcards",),
        _patterns(lambda pattern: pattern.replace("{", "\\{")),
    ),
    Mutant(
        "search-no-hidden",
        "Leading dots are not matched.",
        (f"{_FOUND}/search.base-name",),
        _entries(_SEARCH, _hidden_left_out),
    ),
    Mutant(
        "search-backwards",
        "What is found comes backwards.",
        (f"{_FOUND}/search.order",),
        _entries(_SEARCH, lambda found: found[::-1]),
    ),
    Mutant(
        "search-bare", "What is found has nothing but a path.", (f"{_FOUND}/search.fields",), _entries(_SEARCH, _bare)
    ),
    Mutant(
        "search-missing-empty",
        "A missing directory has nothing in it.",
        (f"{_FOUND}/search.missing",),
        steady(
            Rewrite(
                where=_SEARCH, reply=lambda request, reply: answer(request, 200, []) if reply.status == 404 else reply
            )
        ),
    ),
    Mutant(
        "search-no-query-fine",
        "Without a path nothing is found.",
        (f"{_FOUND}/search.no-query",),
        steady(
            Rewrite(where=_SEARCH, ask=lambda request: request if request.asks("path") else answer(request, 200, []))
        ),
    ),
    Mutant("search-no-limit", "limit is not heeded.", (f"{_KEPT_TO}/search.limit",), _asking(_SEARCH, limit=None)),
    Mutant(
        "search-a-thousand",
        "Beyond a thousand nothing is found.",
        (f"{_KEPT_TO}/search.streamed",),
        _entries(_SEARCH, _truncated),
    ),
    Mutant(
        "search-lossy",
        "Names that are no text are told without their bytes.",
        (f"{_KEPT_TO}/search.unreadable",),
        _entries(_SEARCH, _lossy),
    ),
    Mutant(
        "search-all-directories",
        "Directories are found without being asked for.",
        (f"{_KEPT_TO}/search.limit",),
        _asking(_SEARCH, include_directories="true"),
    ),
)
