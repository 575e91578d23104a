"""Limits, quota sets, quota classes."""
