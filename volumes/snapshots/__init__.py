"""Snapshots: volumes as they were."""
