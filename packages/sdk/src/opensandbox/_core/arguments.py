"""What a caller may say, checked, and as the wire has it; misuse is `TypeError` or `ValueError`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

MAX_TIMEOUT_MS: Final = 2**53
LEAST_MEMORY: Final = 2**20
"""What a limit of memory is at least: with less no program starts."""
_NO_TEXT: Final[tuple[type[Any], ...]] = (bytes, bytearray, memoryview)  # sequences, but not of strings


def stdin_bytes(data: object) -> bytes:
    """Return text or bytes as they are written to standard input."""
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError as fault:
            raise ValueError("stdin holds a lone surrogate, which has no UTF-8") from fault
    if not isinstance(data, _NO_TEXT):
        raise TypeError(f"stdin must be text, bytes, or an iterable of bytes where one fits; not {type(data).__name__}")
    return bytes(data)


def program(command: str | Sequence[str]) -> dict[str, Any]:
    """Return a command as the wire has it."""
    if isinstance(command, str):
        if not command.strip():
            raise ValueError("command is blank")
        return {"command": text("command", command)}
    if isinstance(command, _NO_TEXT) or not isinstance(command, Sequence):
        raise TypeError(f"command must be a string or a sequence of strings, not {type(command).__name__}")
    if not command or not command[0]:
        raise ValueError("command names no program")
    return {"argv": [text("command", part) for part in command]}


def environment(envs: Mapping[str, str] | None) -> dict[str, str] | None:
    """Check the names and values of variables, and return them."""
    if envs is None:
        return None
    if not isinstance(envs, Mapping):
        raise TypeError(f"envs must be a mapping, not {type(envs).__name__}")
    for name, value in envs.items():
        text("envs", value)
        if not text("envs", name) or "=" in name:
            raise ValueError(f"not the name of an environment variable: {name!r}")
    return dict(envs)


def text(name: str, value: object) -> str:
    """Return text that the wire can carry."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(f"{name} holds a lone surrogate, which has no UTF-8") from fault
    return value


def signal_name(name: object) -> str:
    """Return the name of a signal."""
    if not isinstance(name, str):
        raise TypeError(f"signal must be a name such as 'SIGINT', not {type(name).__name__}")
    if not (name.startswith("SIG") and name.isascii() and name.isalnum() and name.isupper()):
        raise ValueError(f"signal must be a name such as 'SIGINT', not {name!r}")
    return name


def count(name: str, number: object) -> int:
    """Return a number that is not negative."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name} must be a number, not {type(number).__name__}")
    if number < 0:
        raise ValueError(f"{name} must not be negative")
    return number


def at_least(name: str, number: object, least: int) -> int | None:
    """Return a number that is not below `least`, or None."""
    if number is None:
        return None
    if count(name, number) < least:
        raise ValueError(f"{name} must be at least {least}")
    return count(name, number)


def milliseconds(timeout: float | None) -> int | None:
    """Return a timeout as the wire has it; zero and less is a `ValueError`."""
    if timeout is None:
        return None
    if isinstance(timeout, bool):
        raise TypeError("timeout must be a number of seconds or None, not bool")
    if not timeout > 0 or timeout * 1000 > MAX_TIMEOUT_MS:
        raise ValueError(f"timeout must be a positive number of seconds or None, not {timeout!r}")
    return math.ceil(timeout * 1000)
