"""Server groups: which servers must, or must not, share a host."""
