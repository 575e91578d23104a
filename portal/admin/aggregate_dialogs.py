"""Creating, changing and deleting host aggregates."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy

from compute.aggregates import services as aggregates
from compute.aggregates.models import Aggregate
from hosts.models import Host
from portal.admin.aggregates import metadata
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Name, Pairs, Styled, Ticked
from portal.ui.removal import Removal

_PLACES = ((aggregates.AggregateExists, "name"), (aggregates.ZoneInUse, "zone"), (aggregates.OtherZone, "zone"))


def zone_field() -> forms.CharField:
    """Make the field of a zone's name."""
    return forms.RegexField(
        "^[^:]*$", label=gettext_lazy("Availability zone"), required=False, max_length=255,
        help_text=gettext_lazy("Nothing: it is no zone."),
    )  # fmt: skip


class EditForm(Styled):
    name = Name()
    zone = zone_field()


class NewForm(Styled):
    name = Name()
    zone = zone_field()
    hosts = Ticked(gettext_lazy("Hosts"))


def known_hosts(call: Call) -> list[tuple[str, str]]:
    return [(name, name) for name in Host.objects.order_by("name").values_list("name", flat=True)]


@transaction.atomic
def create(call: Call, values: dict[str, Any]) -> Aggregate:
    """Create an aggregate with its hosts: both or none."""
    row = aggregates.create(call.actor, name=values["name"], zone=values["zone"] or None)
    for host in values["hosts"]:
        aggregates.add_host(call.actor, aggregate_id=str(row.pk), host=host)
    return row


CREATE = FormDialog(
    panel="aggregates",
    title=gettext_lazy("Create aggregate"),
    submit=gettext_lazy("Create"),
    form=NewForm,
    choices={"hosts": known_hosts},
    places=(*_PLACES[:1], (aggregates.ZoneOfServers, "hosts"), (aggregates.OtherZone, "hosts")),
    do=create,
    next=to_made("aggregate"),
)
EDIT = FormDialog(
    panel="aggregates",
    find=aggregates.find,
    title=gettext_lazy("Edit aggregate"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=lambda call: {"name": call.row.name, "zone": call.row.metadata.get(aggregates.ZONE, "")},
    places=_PLACES,
    do=lambda call, values: aggregates.update(
        call.actor, aggregate_id=call.id, name=values["name"], zone=values["zone"] or None
    ),
    next=to("aggregate", "id"),
)  # fmt: skip


class HostsForm(Styled):
    hosts = Ticked(gettext_lazy("Hosts"))


def inside(call: Call) -> list[str]:
    return list(call.row.hosts.values_list("host", flat=True))


@transaction.atomic
def set_hosts(call: Call, values: dict[str, Any]) -> None:
    """Make the aggregate have exactly the hosts that are ticked."""
    have, want = set(inside(call)), set(values["hosts"])
    for host in sorted(have - want):
        aggregates.remove_host(call.actor, aggregate_id=call.id, host=host)
    for host in sorted(want - have):
        aggregates.add_host(call.actor, aggregate_id=call.id, host=host)


HOSTS = FormDialog(
    panel="aggregates",
    find=aggregates.find,
    title=gettext_lazy("Hosts of %(name)s"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("A host is in one zone, and changes it only while no instance is on it."),
    form=HostsForm,
    initial=lambda call: {"hosts": inside(call)},
    choices={"hosts": known_hosts},
    places=((aggregates.ZoneOfServers, "hosts"), (aggregates.OtherZone, "hosts")),
    do=set_hosts,
    next=to("aggregate", "id"),
)


class MetadataForm(Styled):
    metadata = Pairs(
        label=gettext_lazy("Metadata"), required=False,
        help_text=gettext_lazy("One name=value a line. What is taken away is removed."),
    )  # fmt: skip


def set_metadata(call: Call, values: dict[str, Any]) -> None:
    """Keep these keys alone; the zone stays as it is unless it is among them."""
    gone = dict.fromkeys(metadata(call.row).keys() - values["metadata"].keys())
    aggregates.set_metadata(call.actor, aggregate_id=call.id, metadata={**gone, **values["metadata"]})


METADATA = FormDialog(
    panel="aggregates",
    find=aggregates.find,
    title=gettext_lazy("Metadata of %(name)s"),
    submit=gettext_lazy("Save"),
    form=MetadataForm,
    initial=lambda call: {"metadata": metadata(call.row)},
    places=tuple((kind, "metadata") for kind, _field in _PLACES[1:]),
    do=set_metadata,
    next=to("aggregate", "id"),
)
DELETE = Removal(
    panel="aggregates",
    find=aggregates.find,
    route="aggregates",
    text=gettext_lazy("It is refused while hosts are in it."),
    one=gettext_lazy("Delete the aggregate"),
    bulk=gettext_lazy("Delete the aggregates"),
    about=lambda row: row.metadata.get(aggregates.ZONE, ""),
    remove=lambda call, id: aggregates.delete(call.actor, aggregate_id=id),
)
