"""The interpreter in its asynchronous colour; `_sync` is made from it (tools/unasync.py)."""
