"""Trusts: one user acting for another."""
