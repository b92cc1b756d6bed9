# Generated from packages/sdk/src/opensandbox/_async/providers/__init__.py by tools/unasync.py; do not edit.
"""Ways to get a sandbox that does not run yet."""
