"""Rows of flavors."""

from django.db import models

from common.clock import now
from common.ids import new_id


class Flavor(models.Model):
    """A size. `id` is what the wire calls flavorid: any text an operator chose. Memory in MiB, disks in GiB."""

    id = models.CharField(primary_key=True, max_length=255, default=new_id)
    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(null=True, default=None)
    vcpus = models.IntegerField()
    ram = models.IntegerField()
    disk = models.IntegerField()
    ephemeral = models.IntegerField(default=0)
    swap = models.IntegerField(default=0)
    rxtx_factor = models.FloatField(default=1.0)
    is_public = models.BooleanField(default=True)
    disabled = models.BooleanField(default=False)
    extra_specs = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.name

    def embedded(self) -> dict[str, object]:
        """Build the copy that a server keeps, in the form the wire shows from 2.47 on."""
        return {
            "vcpus": self.vcpus,
            "ram": self.ram,
            "disk": self.disk,
            "ephemeral": self.ephemeral,
            "swap": self.swap,
            "original_name": self.name,
            "extra_specs": self.extra_specs,
        }


class FlavorAccess(models.Model):
    """A project that may use a flavor which is not public."""

    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="access")
    project_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("flavor", "project_id"), name="one_access_a_project")]
