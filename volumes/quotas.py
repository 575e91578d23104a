"""Quotas of the volume service."""

from typing import Final

from django.db.models import Sum

from quota import services as quota
from volumes.snapshots.models import Snapshot
from volumes.volumes.models import Volume

#: The service's type in the catalog, by which quotas know it.
SERVICE: Final = "block-storage"


def count_volumes(project_id: str) -> int:
    return Volume.objects.filter(project_id=project_id).count()


def count_snapshots(project_id: str) -> int:
    return Snapshot.objects.filter(project_id=project_id).count()


def count_gigabytes(project_id: str) -> int:
    """GiB of all the project's volumes and snapshots together."""
    rows = (model.objects.filter(project_id=project_id).aggregate(sum=Sum("size")) for model in (Volume, Snapshot))
    return sum(int(row["sum"] or 0) for row in rows)


def register() -> None:
    quota.register(SERVICE, "volumes", default=10, count=count_volumes, description="Volumes")
    quota.register(SERVICE, "snapshots", default=10, count=count_snapshots, description="Volume snapshots")
    quota.register(
        SERVICE, "gigabytes", default=1000, count=count_gigabytes, description="GiB of volumes and their snapshots"
    )
    quota.register(
        SERVICE, "per_volume_gigabytes", default=-1, count=lambda project: 0, description="GiB of one volume at most"
    )
