"""Projects, users, roles, application credentials."""
