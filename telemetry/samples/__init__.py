"""Samples in a file of their own: store, ingest, rollups, keeping, reading."""
