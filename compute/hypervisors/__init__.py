"""Hypervisors, hosts and services, as operators see them."""
