"""The run store: bytes once, a numbered index, one writer and any number of readers."""
