"""Query strings: percent-encoded bytes in, typed values or a refusal that names the parameter out.

`+` is a space, numbers are ASCII digits, of a repeated single value the first counts, and nobody minds what no route
asks for.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from execd.errors import InvalidQuery, MissingQuery

MAX_INTEGER: Final = 2**53
_DIGITS: Final = re.compile(rb"[0-9]{1,17}")
_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FLAGS: Final = {b"true": True, b"1": True, b"false": False, b"0": False}


class Query:
    """The parameters of one request, decoded when they are asked for."""

    __slots__ = ("_pairs",)

    def __init__(self, query_string: bytes) -> None:
        pairs = (part.partition(b"=") for part in query_string.split(b"&") if part)
        self._pairs = [(unquote_to_bytes(name.replace(b"+", b" ")), value) for name, _, value in pairs]

    def all(self, name: str) -> list[bytes]:
        """Return every value of a repeatable parameter as bytes, which need not be UTF-8."""
        key = name.encode()
        return [_decoded(name, value) for found, value in self._pairs if found == key]

    def has(self, name: str) -> bool:
        """Return whether there is a parameter of that name, whatever its value."""
        key = name.encode()
        return any(found == key for found, _ in self._pairs)

    def raw(self, name: str) -> bytes | None:
        """Return the first value, or None when the parameter is absent."""
        key = name.encode()
        return next((_decoded(name, value) for found, value in self._pairs if found == key), None)

    def text(self, name: str) -> str | None:
        """Return the value as text, or None when it is absent or empty."""
        try:
            return (self.raw(name) or b"").decode() or None
        except UnicodeDecodeError:
            raise InvalidQuery(f"{name}: not valid UTF-8") from None

    def required(self, name: str) -> str:
        """Return the value as text; absent or empty is `MissingQuery`."""
        value = self.text(name)
        if value is None:
            raise MissingQuery(f"{name}: this query parameter is required")
        return value

    def integer(self, name: str, *, minimum: int = 0, maximum: int = MAX_INTEGER) -> int | None:
        """Return the value as a number within bounds, or None when it is absent."""
        value = self.raw(name)
        return None if value is None else integer(name, value, minimum=minimum, maximum=maximum)

    def flag(self, name: str) -> bool | None:
        """Return the value as true or false (1 and 0 will do), or None when it is absent."""
        value = self.raw(name)
        if value is None:
            return None
        if (flag := _FLAGS.get(value.lower())) is None:
            raise InvalidQuery(f"{name}: expected true or false")
        return flag

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """Return the value, one of `options`, or None when it is absent or empty."""
        value = self.text(name)
        if value is not None and value not in options:
            raise InvalidQuery(f"{name}: expected one of {', '.join(options)}")
        return value


def integer(name: str, value: bytes, *, minimum: int = 0, maximum: int = MAX_INTEGER) -> int:
    """Return decimal ASCII digits as a number within bounds."""
    if _DIGITS.fullmatch(value) and minimum <= (number := int(value)) <= maximum:
        return number
    raise InvalidQuery(f"{name}: expected a whole number from {minimum} to {maximum}")


def _decoded(name: str, value: bytes) -> bytes:
    if _BROKEN.search(value):
        raise InvalidQuery(f"{name}: '%' must be followed by two hexadecimal digits")
    return unquote_to_bytes(value.replace(b"+", b" "))
