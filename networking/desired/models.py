"""Desired and reported state of each host's network, and the changes since both were compared."""

from django.db import models


class Change(models.Model):
    """A piece that must be rendered again. Only ever added and removed: two writers never meet on one row.

    `port_id`: only what this port puts into the piece changed; "" when it may be anything. `due`: not before then (the
    piece is rendered, and hosts that need not know at once are told together).
    """

    id = models.BigAutoField(primary_key=True)
    piece = models.CharField(max_length=64)
    port_id = models.CharField(max_length=36, blank=True, default="")
    due = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=("piece",), name="network_change_piece")]

    def __str__(self) -> str:
        return self.piece


class HostPiece(models.Model):
    """One piece on one host. Hashes are '' where there is none.

    `wanted_at` and `reported_at` count changes (Change.id): a host that reported a state of count n has seen every
    change up to n. `history` keeps the last few [hash, count] that were sent, because a busy host reports states that are
    already past. `needs` of a port's piece: {piece: count} that must have been reported before the port counts as plugged; `dhcp` is the one
    among them that may be on another host.
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
    dhcp = models.CharField(max_length=64, blank=True, default="")
    is_behind = models.BooleanField(default=False)  # whether what is desired is not what was reported
    failure = models.JSONField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("host", "piece"), name="network_piece_once")]
        indexes = [
            models.Index(fields=("piece",), name="network_piece_find"),
            models.Index(fields=("host",), condition=models.Q(is_ready=False), name="network_piece_unready"),
            models.Index(fields=("dhcp",), condition=models.Q(is_ready=False), name="network_piece_dhcp"),
            models.Index(fields=("sent_at",), condition=models.Q(wanted=""), name="network_piece_gone"),
            models.Index(fields=("sent_at",), condition=models.Q(is_behind=True), name="network_piece_behind"),
        ]

    def __str__(self) -> str:
        return f"{self.piece} on {self.host}"
