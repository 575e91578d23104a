"""Reads a view's answers from its own source, for the OpenAPI document alone (docs/decisions/0120)."""
