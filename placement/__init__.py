"""Placement: the capacity of each host, the allocations on it, and their consumers."""
