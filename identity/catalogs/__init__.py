"""Regions, services, endpoints, endpoint groups."""
