"""Servers: virtual machines, their states and their long verbs."""
