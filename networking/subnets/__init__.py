"""Subnets: address ranges of a network."""
