"""Rows of revocation: what no longer counts, and numbers that say that something changed."""

from django.db import models

from common.clock import now


class Revocation(models.Model):
    """Every token of which `kind` is `subject`, and which was issued before `issued_before`, is revoked.

    One row for each subject, so that a validation looks up what its token says of itself and nothing else. `owner` is whose
    token it was, for a row about one token, and `token_issued_at` when it was issued.
    """

    KINDS = (
        *("user_id", "project_id", "domain_id", "trust_id", "consumer_id", "access_token_id"),
        *("audit_id", "audit_chain_id"),
    )

    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=64)
    issued_before = models.DateTimeField(default=now, db_index=True)
    expires_at = models.DateTimeField(null=True, db_index=True)
    revoked_at = models.DateTimeField(default=now, db_index=True)
    owner = models.CharField(max_length=64, default="", blank=True)
    token_issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "kind"], name="identity_revocation_once")]
        indexes = [
            models.Index(
                fields=["owner", "token_issued_at"], condition=~models.Q(owner=""), name="identity_revocation_owner"
            )
        ]


class Epoch(models.Model):
    """One row. `value` grows with every change that may alter what any token or session may do, `changes` with every one
    that concerns those of one user, project or token only."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=1)
    changes = models.BigIntegerField(default=0)


class ChangedFact(models.Model):
    """The subject of such a change ("user_id:…"), and its number in `Epoch.changes`: read by every process within a second."""

    fact = models.CharField(primary_key=True, max_length=96)
    number = models.BigIntegerField(db_index=True)
    changed_at = models.DateTimeField(default=now, db_index=True)
