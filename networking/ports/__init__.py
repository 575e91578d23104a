"""Ports: a MAC and its addresses on a network."""
