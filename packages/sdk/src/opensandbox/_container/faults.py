"""The exceptions of the engine's client library, and of what that is built on, as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opensandbox.exceptions import ExecdNotReadyException


@contextmanager
def mapped_faults(doing: str) -> Iterator[None]:
    """Turn foreign exceptions into `ExecdNotReadyException`, which says what the engine could not do."""
    try:
        yield
    except (ExecdNotReadyException, ImportError):
        raise
    except Exception as fault:
        if not _is_foreign(fault):
            raise
        why: Any = getattr(fault, "explanation", None) or fault
        raise ExecdNotReadyException(f"the container engine could not {doing}: {why}") from fault


def _is_foreign(fault: Exception) -> bool:
    return isinstance(fault, OSError) or type(fault).__module__.split(".")[0] in ("docker", "requests", "urllib3")
