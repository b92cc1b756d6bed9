"""Versions of interpreters: which are installed, and which of them everything that runs is to find."""
