"""Kernels: contexts that keep the state of code between runs, driven over ZeroMQ. Imported on first use."""
