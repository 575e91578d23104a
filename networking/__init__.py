"""Neutron's networking: what users ask for, and what each host's network must be because of it."""
