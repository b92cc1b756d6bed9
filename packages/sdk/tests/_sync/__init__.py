# Generated from packages/sdk/tests/_async/__init__.py by tools/unasync.py; do not edit.
