"""RBAC policies: networks that a project lends to others."""
