"""Lets errors name the lines of the cell: IPython takes empty lines from its beginning, and counts from there."""

from __future__ import annotations

from typing import Any

from IPython.core.inputtransformer2 import leading_empty_lines


def keep_positions(shell: Any) -> None:
    """Let a shell keep empty lines at the beginning of a cell, but for a magic of the whole cell, which comes first."""
    transforms = shell.input_transformer_manager.cleanup_transforms
    if leading_empty_lines in transforms:
        transforms[transforms.index(leading_empty_lines)] = _before_magic


def _before_magic(lines: list[str]) -> list[str]:
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    return lines[first:] if first < len(lines) and lines[first].startswith("%%") else lines
