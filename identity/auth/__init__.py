"""Signing in: methods, scopes, the token's body."""
