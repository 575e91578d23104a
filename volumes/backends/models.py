"""Rows of backends, written from what hosts say of themselves."""

from django.db import models

from common.clock import now
from common.ids import new_id


class Backend(models.Model):
    """A backend of a host, with one pool that has its name. `is_told`: the host has it still."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    host = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    driver = models.CharField(max_length=64)
    capabilities = models.JSONField(default=list)  # names of hostagent.contract.capabilities
    total_gib = models.BigIntegerField(default=0)
    free_gib = models.BigIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=255, blank=True, default="")
    is_told = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["host", "name"]
        constraints = [models.UniqueConstraint(fields=["host", "name"], name="backend_once")]

    def __str__(self) -> str:
        return self.pool

    @property
    def service(self) -> str:
        """Return its name in Cinder's services: host@backend."""
        return f"{self.host}@{self.name}"

    @property
    def pool(self) -> str:
        """Return its pool's name in Cinder: host@backend#pool."""
        return pool_name(self.host, self.name)


def pool_name(host: str, backend: str) -> str:
    return f"{host}@{backend}#{backend}" if host else ""
