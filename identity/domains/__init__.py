"""Domains and their configuration."""
