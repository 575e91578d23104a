"""How passwords are stored."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum (19 MiB, t=2, p=1): a third of the time of Django's own 100 MiB."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
