"""Flavors: the sizes that a server can have."""
