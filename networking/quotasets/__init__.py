"""Quotas of the network service."""
