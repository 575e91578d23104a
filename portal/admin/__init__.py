"""Hosts, services, flavors and the instances of every project."""
