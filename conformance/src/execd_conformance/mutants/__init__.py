"""Broken daemons, made from a healthy one by a proxy that rewrites: the proof that the checks see what they are for."""
