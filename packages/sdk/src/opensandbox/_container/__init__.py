"""Containers of one's own, and how their daemons know that their client lives. Blocking, and of no colour."""
