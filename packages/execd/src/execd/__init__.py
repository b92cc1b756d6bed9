"""Execution daemon for sandboxes: commands, code and files over HTTP, with every run numbered and replayable."""

__version__ = "0.1.0"
