"""Routers: interfaces on subnets, a gateway to an external network, extra routes."""
