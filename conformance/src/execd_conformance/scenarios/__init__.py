"""What a client does with a daemon, and what must come of it: few scenarios, each with many checks."""
