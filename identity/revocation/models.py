"""Rows of revocation: what no longer counts, and a number that says that something changed."""

from django.db import models

from common.clock import now


class RevocationEvent(models.Model):
    """Every token that matches all the fields that are set, and was issued before `issued_before`, is revoked."""

    user_id = models.CharField(max_length=64, null=True)
    project_id = models.CharField(max_length=64, null=True)
    domain_id = models.CharField(max_length=64, null=True)
    role_id = models.CharField(max_length=64, null=True)
    trust_id = models.CharField(max_length=64, null=True)
    consumer_id = models.CharField(max_length=64, null=True)
    access_token_id = models.CharField(max_length=64, null=True)
    audit_id = models.CharField(max_length=32, null=True)
    audit_chain_id = models.CharField(max_length=32, null=True)
    issued_before = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["audit_id"]),
            models.Index(fields=["audit_chain_id"]),
            models.Index(fields=["user_id"]),
        ]


class Epoch(models.Model):
    """One row. `value` grows with every change that may alter what a token or session may do."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=1)
