"""`Broken`: the daemon did not do what goes without saying, so the scenario cannot go on."""

from __future__ import annotations


class Broken(Exception):
    """A connection, an answer or a stream that is no use, told in one sentence."""
