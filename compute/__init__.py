"""Compute: servers and all that belongs to them, with Nova's nouns."""
