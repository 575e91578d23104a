"""Agents and availability zones, as read from the hosts."""
