"""Unified limits and the one place that counts quotas."""
