"""Hold any daemon of the execution API against its contract, and say what it lacks.

`execd-conformance --target local|URL|docker:IMAGE` runs it; `__main__` is the command, `plugin` what pytest loads.
"""

from __future__ import annotations

__version__ = "0.1.0"
