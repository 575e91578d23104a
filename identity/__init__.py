"""Keystone: who someone is, what they may do, where the services are."""
