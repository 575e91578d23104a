"""Signing in at the portal: its steps, MFA, sessions as rows, and failed attempts."""
