"""`asked`: requests about trees, and what is seen of trees from inside."""

from __future__ import annotations

import shlex
from typing import Any

from execd_conformance.raw import Raw, Reply


async def asked(raw: Raw, method: str, path: str, body: Any = None, /, **params: Any) -> Reply:
    """Send a request; `body` is JSON, the rest is the query."""
    fields: dict[str, Any] = {} if body is None else {"json": body}
    return await raw.request(method, path, params=params, timeout_s=20.0, **fields)


def refusal(reply: Reply) -> str:
    """Return status and code as one word for comparisons."""
    return f"{reply.status} {reply.code}"


def below(reply: Reply, folder: str) -> list[str] | str:
    """Return the paths of a list of entries, as they are below a folder."""
    if reply.status != 200 or not isinstance(entries := reply.json(), list):
        return f"no list: {reply!r}"
    return [str(entry.get("path")).removeprefix(f"{folder}/") for entry in entries]


async def tree(raw: Raw, folder: str) -> list[str]:
    """Return everything below a folder, as the sandbox itself sees it."""
    said = await raw.run(f"cd {shlex.quote(folder)} && find . -mindepth 1 | LC_ALL=C sort")
    return [line.removeprefix("./") for line in said.stdout.splitlines()]
