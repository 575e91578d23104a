"""API access: clouds.yaml and openrc."""
