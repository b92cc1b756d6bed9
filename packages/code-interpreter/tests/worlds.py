"""Events of cells, as the daemon writes them."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]


def init(execution_id: str = "cell-1") -> Event:
    return {"type": "init", "text": execution_id}


def out(text: str) -> Event:
    return {"type": "stdout", "text": text}


def err(text: str) -> Event:
    return {"type": "stderr", "text": text}


def shown(text: str = "4", *, is_main: bool = True, **more: Any) -> Event:
    return {"type": "result", "results": {"text/plain": text, "text": text}, "is_main_result": is_main, **more}


def done(stdout: int = 0, stderr: int = 0, **more: Any) -> Event:
    return {
        "type": "execution_complete", "cause": "completed", "execution_time": 7, "stdout_bytes": stdout,
        "stderr_bytes": stderr, "truncated": False, "state_lost": False, **more,
    }  # fmt: skip


def failed(code: str | None = "EXECUTION_FAILED", *, cause: str | None = "raised", **more: Any) -> Event:
    return {
        "type": "error", "code": code, "cause": cause, "execution_time": 7, "stdout_bytes": 0, "stderr_bytes": 0,
        "truncated": False, "state_lost": False,
        "error": {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["line 1", "line 2"]},
        **more,
    }  # fmt: skip
