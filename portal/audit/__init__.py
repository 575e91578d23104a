"""Audit records: who did what, when, from where, and how it went."""
