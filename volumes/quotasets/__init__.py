"""Quotas of volumes on the wire."""
