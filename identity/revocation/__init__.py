"""Revocation events and the epoch that empties caches."""
