"""Signing in and out, the project switcher, language, settings."""
