"""Hosts, services, flavors."""
