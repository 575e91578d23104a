"""Consoles: the kept log, and signed tickets for the live ones."""
