"""What compute counts against a project's quota, and what it merely bounds."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from common.errors import Forbidden
from common.prepared import Prepared
from compute.servergroups.models import ServerGroup
from compute.servers.models import Server
from identity.limits import services as quota


class TooManyItems(Forbidden):
    template = _("Maximum number of metadata items exceeds %(limit)s")


_sums = Prepared(
    lambda project: (
        Server.objects.living()
        .filter(project_id=project)
        .values("project_id")
        .annotate(
            n=Count("id"),
            vcpus=Sum(Cast(KT("flavor__vcpus"), IntegerField())),
            ram=Sum(Cast(KT("flavor__ram"), IntegerField())),
        )
        .order_by()
    )
)


def servers(project_id: str) -> int:
    found = _sums.first(project_id)
    return int(found["n"]) if found else 0


def _sum(key: str) -> Callable[[str], int]:
    def count(project_id: str) -> int:
        found = _sums.first(project_id)
        return int(found[key] or 0) if found else 0

    return count


def server_groups(project_id: str) -> int:
    return ServerGroup.objects.filter(project_id=project_id).count()


def bounded(project_id: str) -> int:
    """For limits on one thing's size (items of metadata, members of a group): nothing is used up."""
    return 0


#: name → (default, counter). The names are Nova's.
COUNTED: dict[str, tuple[int, Callable[[str], int]]] = {
    "instances": (10, servers),
    "cores": (20, _sum("vcpus")),
    "ram": (51200, _sum("ram")),
    "server_groups": (10, server_groups),
    "server_group_members": (10, bounded),
    "key_pairs": (100, bounded),
    "metadata_items": (128, bounded),
    "injected_files": (5, bounded),
    "injected_file_content_bytes": (10240, bounded),
    "injected_file_path_bytes": (255, bounded),
    # Held by the network service today; kept because Nova's older answers name them.
    "fixed_ips": (-1, bounded),
    "floating_ips": (-1, bounded),
    "security_groups": (-1, bounded),
    "security_group_rules": (-1, bounded),
}


def register() -> None:
    for name, (default, count) in COUNTED.items():
        quota.register("compute", name, default=default, count=count)


def require(project_id: str, *, servers: int, flavor: Mapping[str, Any]) -> None:
    """Raises: QuotaExceeded. Call inside the transaction that adds the rows."""
    asked = {"instances": servers, "cores": servers * int(flavor["vcpus"]), "ram": servers * int(flavor["ram"])}
    quota.require(project_id, "compute", asked)


def require_growth(project_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raises: QuotaExceeded when a resize takes more than is left."""
    asked = {"cores": int(after["vcpus"]) - int(before["vcpus"]), "ram": int(after["ram"]) - int(before["ram"])}
    quota.require(project_id, "compute", {name: more for name, more in asked.items() if more > 0})


def require_metadata(project_id: str, metadata: Mapping[str, str]) -> None:
    """Raises: TooManyItems."""
    if not metadata:
        return
    limit = quota.limits(project_id, "compute")["metadata_items"]
    if 0 <= limit < len(metadata):
        raise TooManyItems(limit=limit)
