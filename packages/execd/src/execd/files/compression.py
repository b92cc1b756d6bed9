"""Content codings of archives: which one both sides know, and bytes through it in either direction."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import IO, Final, Protocol, cast

_CODING: Final = re.compile(r"\s*([A-Za-z0-9_*-]+)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?")
ZSTD: Final = "zstd"
GZIP: Final = "gzip"
_LEVEL: Final = {GZIP: 1, ZSTD: 3}
_WITH_HEADER: Final = 31


class Coder(Protocol):
    """Takes bytes and gives others."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready, perhaps nothing."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


def wanted(header: bytes | None) -> str | None:
    """Return the coding of an `Accept-Encoding` header that serves best, None for the bytes as they are.

    >>> wanted(b"gzip, zstd"), wanted(b"gzip;q=1, zstd;q=0.5"), wanted(b"gzip;q=0, br"), wanted(None)
    ('zstd', 'gzip', None, None)
    """
    weights: dict[str, float] = {}
    for part in (header or b"").decode("latin-1").split(","):
        if match := _CODING.fullmatch(part):
            weights[match[1].lower()] = _weight(match[2])
    best = max((ZSTD, GZIP), key=lambda coding: weights.get(coding, 0))
    return best if weights.get(best, 0) > 0 else None


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def coder(coding: str) -> Coder:
    """Return what packs bytes in a coding."""
    if coding == GZIP:
        return zlib.compressobj(_LEVEL[GZIP], wbits=_WITH_HEADER)
    import zstandard  # noqa: PLC0415 - only who asks for it pays for it

    return cast("Coder", zstandard.ZstdCompressor(_LEVEL[ZSTD]).compressobj())


def decoded(source: IO[bytes], coding: str | None) -> IO[bytes]:
    """Return the bytes behind a coding; raises `ValueError` for one that nobody here knows."""
    if coding in (None, "", "identity"):
        return source
    if coding in (GZIP, "x-gzip"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source, mode="rb"))
    if coding == ZSTD:
        import zstandard  # noqa: PLC0415 - the same

        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))
    raise ValueError(f"the coding {str(coding)[:40]!r} is not known")
