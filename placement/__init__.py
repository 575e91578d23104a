"""Placement: what each host has, what is promised on it, and who holds it."""
