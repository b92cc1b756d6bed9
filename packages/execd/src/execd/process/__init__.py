"""Process ownership: one child from spawn to reap, and the runs made of them."""
