"""Tests, mirroring the tree; see tests/run.py for how `make test` runs them."""
