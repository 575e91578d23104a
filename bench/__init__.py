"""Benchmarks of a cloud that they start themselves: `make bench`, or `python -m bench NAME…` for some of them.

Each result is one JSON line `{name, value, unit, limit, ok, spin_ms}`. `spin_ms` is a fixed piece of work measured beside it: on a noisy
machine compare ratios and CPU, never bare times. OpenStack's own figures are in openstack.json; nothing here installs OpenStack.
"""
