"""Requests that open one path for a while without the token: signed by the daemon, with a key that nobody else knows.

Sans-IO. The signature is over method, path, expiry and limit; a daemon that was started again has another key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_from_bytes

from execd.errors import InvalidQuery, Unauthorized
from execd.http.query import Query

DOWNLOAD: Final = "/files/download"
UPLOAD: Final = "/files/content"
_SIGNED: Final = {("GET", DOWNLOAD): "GET", ("HEAD", DOWNLOAD): "GET", ("PUT", UPLOAD): "PUT"}
"""What can be signed → the method that its signature names; whoever may read a file may ask how long it is."""


class Signer:
    """Signs and checks; `wall_s` tells seconds since 1970."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._key = secrets.token_bytes(32)
        self._wall_s = wall_s

    def url(self, method: str, path: bytes, *, expires_s: int, max_bytes: int | None) -> str:
        """Return path and query of a signed request, to be put behind the daemon's address."""
        expires = int(self._wall_s()) + expires_s
        limit = None if max_bytes is None else str(max_bytes)
        query = f"path={quote_from_bytes(path, safe='/')}&expires={expires}"
        if limit is not None:
            query += f"&max_bytes={limit}"
        signature = self._signature(method, path, str(expires), limit)
        return f"{DOWNLOAD if method == 'GET' else UPLOAD}?{query}&signature={signature}"

    def admits(self, method: str, path: str, query: Query) -> bool:
        """Return whether a request is signed; raises `Unauthorized` when its signature is wrong or has expired."""
        signed = _SIGNED.get((method, path))
        if signed is None or not query.has("signature"):
            return False
        try:
            given = query.raw("signature") or b""
            file, expires, limit = query.raw("path") or b"", query.text("expires") or "", query.text("max_bytes")
        except InvalidQuery as error:
            raise Unauthorized(f"the signature does not fit this request: {error}") from None
        # Compared before anything of it is read as a number.
        if not hmac.compare_digest(given, self._signature(signed, file, expires, limit).encode()):
            raise Unauthorized("the signature does not fit this request")
        if self._wall_s() >= int(expires):
            raise Unauthorized("the signature has expired")
        return True

    def _signature(self, method: str, path: bytes, expires: str, limit: str | None) -> str:
        # Lengths before contents: no two requests have the same text.
        fields = [method.encode(), path, expires.encode(), b"-" if limit is None else limit.encode()]
        text = b"".join(b"%d:%s" % (len(field), field) for field in fields)
        return urlsafe_b64encode(hmac.digest(self._key, text, hashlib.sha256)).decode().rstrip("=")
