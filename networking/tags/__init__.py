"""Tags on every resource."""
