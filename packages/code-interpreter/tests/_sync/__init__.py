# Generated from packages/code-interpreter/tests/_async/__init__.py by tools/unasync.py; do not edit.
