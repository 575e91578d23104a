"""Errors that end a backup or a restore."""


class BackupError(Exception):
    """A sentence that says what is wrong and what would help."""
