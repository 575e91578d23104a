"""Quotas: what services count, and whether more still fits. A room above says which limits a project has."""
