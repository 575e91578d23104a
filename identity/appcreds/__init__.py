"""Application credentials and their access rules."""
