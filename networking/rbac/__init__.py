"""RBAC policies: networks that a project shares with others."""
