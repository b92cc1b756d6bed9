"""Jupyter messages as values, and what each of them says in the words of the wire. Sans-IO.

What a kernel sends is made by the user's code as much as by the kernel: a missing field, a wrong type or half a
character is nothing to fail over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from execd.runs.sse import Stream

Event = dict[str, Any]


class Message(NamedTuple):
    """One message of a kernel: its type, the id of the request that it belongs to, and what it says."""

    type: str
    parent: str
    content: Mapping[str, Any]


class Output(NamedTuple):
    """Text for one of the two streams, as UTF-8."""

    stream: Stream
    data: bytes


class Failure(NamedTuple):
    """What the user's code raised, in the kernel's words."""

    ename: str
    evalue: str
    traceback: tuple[str, ...]


def message(raw: Mapping[str, Any]) -> Message:
    """Return a message from the dictionary that `jupyter_client` makes of its frames."""
    return Message(raw["msg_type"], str(raw["parent_header"].get("msg_id", "")), raw["content"])


def said(of: Message) -> Output | Event | None:
    """Return what a message adds to its run, None when it adds nothing."""
    teller = _TELLERS.get(of.type)
    return teller(of.content) if teller else None


def failure(content: Mapping[str, Any]) -> Failure | None:
    """Return what an `error` message or a failed reply tells of the error, None when it does not name one."""
    if "ename" not in content:
        return None
    lines = content.get("traceback")
    traceback = tuple(text(line) for line in lines) if isinstance(lines, list) else ()
    return Failure(text(content["ename"]), text(content.get("evalue", "")), traceback)


def pages(content: Mapping[str, Any]) -> list[Event]:
    """Return what a reply wants shown in a pager (`len?`) as results."""
    return [_result(page, is_main=False) for page in _payload(content, "page")]


def leaves(content: Mapping[str, Any]) -> bool:
    """Return whether a reply announces that its kernel is about to leave (`exit()`)."""
    return any(not asked.get("keepkernel") for asked in _payload(content, "ask_exit"))


def _payload(content: Mapping[str, Any], source: str) -> list[Mapping[str, Any]]:
    payload = content.get("payload")
    entries = payload if isinstance(payload, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and entry.get("source") == source]


def text(value: object) -> str:
    """Return a value as text that UTF-8 can hold: halves of one character are joined, lone ones become U+FFFD.

    >>> text("\\ud83d\\ude00 \\ud800")
    '😀 \ufffd'
    """
    found = value if isinstance(value, str) else str(value)
    if found.isascii():
        return found
    try:
        found.encode()
    except UnicodeEncodeError:
        return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return found


def clean(value: Any) -> Any:
    """Return a JSON value in which every text is one that UTF-8 can hold."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


def _stream(content: Mapping[str, Any]) -> Output:
    stream: Stream = "stderr" if content.get("name") == "stderr" else "stdout"
    return Output(stream, text(content.get("text", "")).encode())


def count(content: Mapping[str, Any]) -> Event | None:
    """Return the event that tells the execution count, None when the content does not."""
    number = content.get("execution_count")
    return {"type": "execution_count", "execution_count": number} if isinstance(number, int) else None


def _execute_result(content: Mapping[str, Any]) -> Event:
    return _result(content, is_main=True)


def _display_data(content: Mapping[str, Any]) -> Event:
    return _result(content, is_main=False)


def _update_display_data(content: Mapping[str, Any]) -> Event:
    return {**_result(content, is_main=False), "update": True}


def _result(content: Mapping[str, Any], *, is_main: bool) -> Event:
    bundle = clean(_mapping(content.get("data")))
    results = {mime: value if _plain(mime, value) else json_text(value) for mime, value in bundle.items()}
    if (plain := results.get("text/plain")) is not None:
        results["text"] = plain
    optional = {
        "data": {mime: value for mime, value in bundle.items() if not _plain(mime, value)},
        "metadata": clean(_mapping(content.get("metadata"))),
        "display_id": _display_id(content),
    }
    filled = {name: value for name, value in optional.items() if value}
    return {"type": "result", "results": results, "is_main_result": is_main, **filled}


def _display_id(content: Mapping[str, Any]) -> str | None:
    display_id = _mapping(content.get("transient")).get("display_id")
    return None if display_id is None else text(display_id)


def _clear_output(content: Mapping[str, Any]) -> Event:
    return {"type": "clear_output", "wait": bool(content.get("wait"))}


def _input_request(content: Mapping[str, Any]) -> Event:
    prompt, password = text(content.get("prompt", "")), bool(content.get("password"))
    return {"type": "input_request", "prompt": prompt, "password": password}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(mime: str, value: object) -> bool:
    return isinstance(value, str) and not (mime == "application/json" or mime.endswith("+json"))


def json_text(value: Any) -> str:
    """Return a JSON value as JSON text."""
    return msgspec.json.encode(value).decode()


_TELLERS: Final[dict[str, Callable[[Mapping[str, Any]], Output | Event]]] = {
    "stream": _stream,
    "execute_result": _execute_result,
    "display_data": _display_data,
    "update_display_data": _update_display_data,
    "clear_output": _clear_output,
    "input_request": _input_request,
}
