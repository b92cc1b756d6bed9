"""Requests into calls, readers into streams: everything that knows HTTP."""

from execd.http.routes import build

__all__ = ["build"]
