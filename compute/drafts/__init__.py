"""Launches that are not asked for yet: a half-filled one, templates, and pieces of user data."""
