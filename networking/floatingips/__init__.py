"""Floating IPs: external addresses that lead to a port."""
