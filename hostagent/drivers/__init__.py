"""What a host is made of: hypervisor, network and storage, each by a driver (registry.py)."""
