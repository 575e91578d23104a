"""Users, passwords, lockout."""
