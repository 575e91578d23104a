"""Rows of key pairs. The private half is never stored."""

from django.db import models

from common.clock import now


class KeyPair(models.Model):
    """A public key of one user. `type` is "ssh" or "x509"; names are unique for a user."""

    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=8, default="ssh")
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("user_id", "name"), name="one_keypair_a_name")]

    def __str__(self) -> str:
        return self.name
