"""Credentials encrypted at rest, EC2 pairs among them."""
