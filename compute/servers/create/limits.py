"""Compute's resources under a project's quota: those that are counted, and per-request limits."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from common.errors import Forbidden, Invalid
from common.prepared import Prepared
from compute.servergroups.models import ServerGroup
from compute.servers.models import Server
from quota import services as quota


class TooManyItems(Forbidden):
    template = _("Maximum number of metadata items exceeds %(limit)s")


class BadMetadata(Invalid):
    template = _(
        "A metadata key has 1 to 255 letters, digits, spaces or - _ : . and a value at most 255 characters: %(key)s"
    )


#: A key of metadata, as the API's schema has it.
METADATA_KEY = re.compile(r"[a-zA-Z0-9_:. -]{1,255}")
METADATA_VALUE = 255  # characters


_sums = Prepared(
    lambda project: (
        Server.objects.living()
        .filter(project_id=project)
        .values("project_id")
        .annotate(
            n=Count("project_id"),
            vcpus=Sum("vcpus"),
            ram=Sum("ram"),
        )
        .order_by()
    )
)


def counted(project_id: str) -> dict[str, int]:
    """Sum up what a project's servers take, by quota: one read of an index."""
    found = cast("dict[str, int | None]", _sums.first(project_id) or {})
    return {name: found.get(column) or 0 for name, column in SUMMED.items()}


SUMMED = {"instances": "n", "cores": "vcpus", "ram": "ram"}


def _one(name: str) -> Callable[[str], int]:
    return lambda project_id: counted(project_id)[name]


def server_groups(project_id: str) -> int:
    return ServerGroup.objects.filter(project_id=project_id).count()


def bounded(project_id: str) -> int:
    """Usage of limits on the size of one object (items of metadata, members of a group): always 0."""
    return 0


#: name → (default, counter). The names are Nova's.
COUNTED: dict[str, tuple[int, Callable[[str], int]]] = {
    "instances": (10, _one("instances")),
    "cores": (20, _one("cores")),
    "ram": (51200, _one("ram")),
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


def fitting(project_id: str, flavor: Mapping[str, Any], *, at_least: int, at_most: int) -> int:
    """Number of servers that the quota admits: `at_most`, else as many as fit. Call in the transaction that adds the rows.

    Raises: QuotaExceeded when fewer than `at_least` fit.
    """
    each = {"instances": 1, "cores": int(flavor["vcpus"]), "ram": int(flavor["ram"])}
    count = quota.fitting(project_id, "compute", each, at_most, count_all=counted)
    if count < at_least:
        quota.require(project_id, "compute", {name: at_least * need for name, need in each.items()}, count_all=counted)
    return count


def require_growth(project_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Check the quota for what a resize adds. `before`, `after`: embedded flavors. Raises: QuotaExceeded."""
    added = {"cores": int(after["vcpus"]) - int(before["vcpus"]), "ram": int(after["ram"]) - int(before["ram"])}
    quota.require(project_id, "compute", {name: more for name, more in added.items() if more > 0}, count_all=counted)


def require_metadata(project_id: str, metadata: Mapping[str, str]) -> None:
    """Check metadata items, and their number against the project's limit. Raises: BadMetadata, TooManyItems."""
    if not metadata:
        return
    for key, value in metadata.items():
        if not METADATA_KEY.fullmatch(key) or len(value) > METADATA_VALUE:
            raise BadMetadata(key=key[:80])
    limit = quota.limits(project_id, "compute")["metadata_items"]
    if 0 <= limit < len(metadata):
        raise TooManyItems(limit=limit)
