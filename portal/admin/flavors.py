"""Flavors: the sizes of instances, the list and the page of one."""

from collections.abc import Callable, Sequence

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.units import human_mib
from compute.flavors import services as flavors
from compute.flavors.models import Flavor
from identity.models import Project
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.tables import Bound, Bulk, Cell, Column, Filter, Row, attr

MANAGE, SPECS, ACCESS = (f"os_compute_api:os-flavor-{part}" for part in ("manage", "extra-specs", "access"))
PUBLIC = (("True", gettext_lazy("Public")), ("False", gettext_lazy("Private")))


def gib(name: str) -> Callable[[object], Cell]:
    """Build a column's cell of a disk's size."""
    return lambda row: Cell("num", f"{getattr(row, name)} GiB")


class Flavors(ListPanel):
    panel, kind, route = "flavors", "flavor", "flavor"
    order = ("ram", "vcpus", "name")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column("vCPUs", "n", sort="vcpus", cell=attr("num", "vcpus")),
        Column(gettext_lazy("Memory"), "n", sort="ram", cell=lambda row: Cell("num", human_mib(row.ram))),
        Column(gettext_lazy("Disk"), "n", sort="disk", cell=gib("disk")),
        Column(gettext_lazy("Ephemeral disk"), "n", "l", "ephemeral", gib("ephemeral")),
        Column(gettext_lazy("Swap"), "n", "l", "swap", lambda row: Cell("num", human_mib(row.swap))),
        Column(gettext_lazy("Public"), hide="m", cell=attr("yes", "is_public")),
        Column(gettext_lazy("Metadata"), "n", "l", cell=lambda row: Cell("num", len(row.extra_specs))),
        Column("ID", hide="m", cell=attr("id", "pk")),
    )
    filters = (
        Filter("is_public", gettext_lazy("Public"), choices=PUBLIC),
        Bound("min_ram", gettext_lazy("Memory of at least, MiB"), "ram"),
        Bound("min_disk", gettext_lazy("Disk of at least, GiB"), "disk"),
    )
    new = New(gettext_lazy("Create flavor"), "flavor-create", f"{MANAGE}:create", "wide", lambda actor: None)
    empty = Empty(gettext_lazy("No flavors yet"), gettext_lazy("A flavor is a size: vCPUs, memory, disk."))

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        if not policy.allows(actor, f"{MANAGE}:delete"):
            return ()
        return (Bulk("delete", _("Delete…"), "trash", reverse("flavors-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Flavor]:
        return flavors.visible(actor)

    def create(self, actor: RequestContext) -> Action | None:
        return super().create(actor) if actor.is_admin else None


class FlavorItem(ItemPage):
    panel, kind = "flavors", "flavor"
    recorded = "service/compute/flavors"
    find = staticmethod(flavors.find)

    def actions(self, actor: RequestContext, row: Flavor) -> list[Action]:
        def url(name: str) -> str:
            return reverse(f"flavor-{name}", args=[row.pk])

        edit, delete = (gate(actor, f"{MANAGE}:{verb}", None) for verb in ("update", "delete"))
        specs = gate(actor, f"{SPECS}:create", None)
        open_to_all = _("Every project may use a public flavor") if row.is_public else ""
        access = gate(actor, f"{ACCESS}:add_tenant_access", None, open_to_all)
        return [
            Action("launch", _("Launch with it"), "rocket", reverse("launch") + f"?flavor={row.pk}", "link"),
            Action("access", _("Modify access"), "users-group", url("access"), "wide", access),
            Action("metadata", _("Update metadata"), "adjustments", url("metadata"), why=specs),
            Action("edit", _("Edit"), "pencil", url("edit"), why=edit),
            Action("delete", _("Delete"), "trash", url("delete"), why=delete, risk=True),
        ]

    def detail(self, actor: RequestContext, row: Flavor) -> Detail:
        facts = (
            ("ID", Cell("copy", row.pk)),
            (_("Description"), Cell("text", row.description or "–")),
            ("vCPUs", Cell("num", row.vcpus)),
            (_("Memory"), Cell("num", human_mib(row.ram))),
            (_("Disk"), gib("disk")(row)),
            (_("Ephemeral disk"), gib("ephemeral")(row)),
            (_("Swap"), Cell("num", human_mib(row.swap))),
            (_("RX/TX factor"), Cell("num", row.rxtx_factor)),
            (_("Public"), Cell("yes", row.is_public)),
            (_("Created"), Cell("when", row.created_at)),
        )
        cards = [Card(_("Details"), pairs=facts, name="details")]
        if policy.allows(actor, f"{SPECS}:index"):
            columns = (Column(_("Name")), Column(_("Value")))
            lines = [Row(key, key, "", None, (Cell("mono", value),)) for key, value in sorted(row.extra_specs.items())]
            empty = _("No extra specs.")
            cards.append(Card(_("Metadata"), columns=columns, rows=lines, empty=empty, name="metadata"))
        if not row.is_public and policy.allows(actor, ACCESS):
            cards.append(who_may(actor, row))
        return Detail(row.name, cards=cards)


def who_may(actor: RequestContext, row: Flavor) -> Card:
    """Build the card of the projects that may use a private flavor."""
    found = Project.objects.filter(pk__in=flavors.access(actor, flavor_id=row.pk)).order_by("name")
    rows = [
        Row(one.pk, one.name, reverse("project", args=[one.pk]), None, (Cell("id", one.pk),)) for one in found
    ]  # fmt: skip
    columns = (Column(_("Project")), Column("ID", hide="m"))
    return Card(_("Access"), columns=columns, rows=rows, empty=_("No project may use it yet."), name="access")
