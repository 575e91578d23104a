"""Instances: list, launch, detail, verbs, console, log."""
