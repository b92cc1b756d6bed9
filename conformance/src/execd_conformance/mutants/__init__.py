"""Broken daemons, made from a healthy one by a proxy that rewrites: the proof that the checks see what they are for."""

from __future__ import annotations

from execd_conformance.mutants.prove import main

__all__ = ["main"]
