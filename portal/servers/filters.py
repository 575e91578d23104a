"""Filters of the list of instances by one field each, sent to the server; operators have some more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from common import moments
from compute.servers.lifecycle import states
from compute.servers.models import Server
from identity.models import Project
from images.images.models import Image
from networking.floatingips.models import FloatingIP
from networking.ports.models import FixedIP
from portal.servers import status
from portal.ui.moments import moment
from portal.ui.tables import Filter

IPV4, IPV6 = 4, 6


@dataclass(frozen=True, kw_only=True)
class By(Filter):
    """A filter with a way of its own: `how` narrows by what was typed or chosen."""

    how: Callable[[QuerySet[Server], str], QuerySet[Server]]

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return self.how(rows, value)


def _exactly(column: str) -> Callable[[QuerySet[Server], str], QuerySet[Server]]:
    return lambda rows, value: rows.filter(**{column: value})


def _image(rows: QuerySet[Server], value: str) -> QuerySet[Server]:
    return rows.filter(image_id__in=Image.objects.filter(name__icontains=value).values("pk"))


def _address(version: int) -> Callable[[QuerySet[Server], str], QuerySet[Server]]:
    """Narrow to those with an address of this version that begins so; floating ones are of IPv4."""

    def narrow(rows: QuerySet[Server], value: str) -> QuerySet[Server]:
        fixed = FixedIP.objects.filter(ip_address__startswith=value, subnet__ip_version=version)
        found = Q(id__in=fixed.values("port__server_id"))
        if version == IPV4:
            floating = FloatingIP.objects.filter(floating_ip_address__startswith=value)
            found |= Q(id__in=floating.values("port__server_id"))
        return rows.filter(found)

    return narrow


def _status(rows: QuerySet[Server], value: str) -> QuerySet[Server]:
    found = states.vm_states_of(value)
    if found is None:
        return rows.none()
    vm_states, tasks = found
    return rows.filter(vm_state__in=vm_states, task_state__in=tasks) if tasks else rows.filter(vm_state__in=vm_states)


def _since(rows: QuerySet[Server], value: str) -> QuerySet[Server]:
    """Narrow to those that changed since a time: in the reader's zone, unless it names another."""
    at = moment(value.strip(), end=False)
    return rows.none() if at is None else rows.filter(moments.compared("updated_at", "gte", at))


def _project(rows: QuerySet[Server], value: str) -> QuerySet[Server]:
    return rows.filter(project_id__in=Project.objects.filter(name__icontains=value).values("pk"))


STATUSES = [(api, word) for api, (_kind, word) in status.STATES.items() if not states.says_deleted(api)]
FILTERS: Sequence[Filter] = (
    Filter("id", gettext_lazy("Instance ID"), "id"),
    Filter("name", gettext_lazy("Name")),
    Filter("image_id", gettext_lazy("Image ID")),
    By(name="image", label=gettext_lazy("Image name"), how=_image),
    By(name="ip", label="IPv4", how=_address(IPV4)),
    By(name="ip6", label="IPv6", how=_address(IPV6)),
    Filter("flavor_id", gettext_lazy("Flavor ID")),
    Filter("flavor", gettext_lazy("Flavor name"), "flavor__original_name"),
    Filter("key", gettext_lazy("Key pair"), "key_name"),
    By(name="status", label=gettext_lazy("Status"), choices=STATUSES, many=True, how=_status),
    Filter("zone", gettext_lazy("Availability zone"), "availability_zone"),
    By(name="since", label=gettext_lazy("Changed since"), how=_since),
)
#: What the list of every project has besides.
OF_OPERATORS: Sequence[Filter] = (
    By(name="project", label=gettext_lazy("Project name"), how=_project),
    Filter("project_id", gettext_lazy("Project ID")),
    By(name="host", label=gettext_lazy("Host"), how=_exactly("host")),
)
