"""What each host's network must be, what it says it is, and what has changed since both were compared."""

from django.db import models


class Change(models.Model):
    """A piece that must be rendered again. Only ever added and removed: two writers never meet on one row."""

    id = models.BigAutoField(primary_key=True)
    piece = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.piece


class HostPiece(models.Model):
    """One piece on one host. Hashes are '' where there is none.

    `wanted_at` and `reported_at` count changes (Change.id): a host that reported a state of count n has seen every
    change up to n. `history` keeps the last few [hash, count] that were sent, because a busy host reports states that are
    already past. `needs` of a port's piece: {piece: count} that must have been reported before the port is wired.
    """

    id = models.BigAutoField(primary_key=True)
    host = models.CharField(max_length=255)
    piece = models.CharField(max_length=64)
    wanted = models.CharField(max_length=32, blank=True, default="")
    wanted_at = models.BigIntegerField(default=0)
    reported = models.CharField(max_length=32, blank=True, default="")
    reported_at = models.BigIntegerField(default=0)
    history = models.JSONField(default=list)
    needs = models.JSONField(default=dict)
    is_ready = models.BooleanField(default=True)
    failure = models.JSONField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("host", "piece"), name="network_piece_once")]
        indexes = [
            models.Index(fields=("piece",), name="network_piece_find"),
            models.Index(fields=("is_ready",), condition=models.Q(is_ready=False), name="network_piece_unready"),
        ]

    def __str__(self) -> str:
        return f"{self.piece} on {self.host}"
