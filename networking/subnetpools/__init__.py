"""Subnet pools and address scopes: prefixes that subnets are cut from."""
