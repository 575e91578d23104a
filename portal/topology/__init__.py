"""The map of a project's networks: what is joined with what, and how it reaches the outside."""
