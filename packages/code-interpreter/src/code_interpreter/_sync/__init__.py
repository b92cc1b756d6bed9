# Generated from packages/code-interpreter/src/code_interpreter/_async/__init__.py by tools/unasync.py; do not edit.
"""The interpreter in its asynchronous colour; `_sync` is made from it (tools/unasync.py)."""
