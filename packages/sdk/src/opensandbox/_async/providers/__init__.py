"""Ways to get a sandbox that does not run yet."""
