"""What a backup or a restore stops at."""


class BackupError(Exception):
    """A sentence that says what is wrong and what would help."""
