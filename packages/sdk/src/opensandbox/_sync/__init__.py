# Generated from packages/sdk/src/opensandbox/_async/__init__.py by tools/unasync.py; do not edit.
"""The SDK in its asynchronous colour; `_sync` is made from it (tools/unasync.py)."""
