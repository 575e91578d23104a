"""Quotas: what services count, and whether more still fits. Where a project's limits come from is said from above."""
