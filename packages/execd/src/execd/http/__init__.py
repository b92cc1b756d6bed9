"""Requests into calls, readers into streams: everything that knows HTTP."""

from execd.http.routes import App, build

__all__ = ["App", "build"]
