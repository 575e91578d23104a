"""OpenStack's own tests (tempest) against a cloud of our own; see README.md."""
