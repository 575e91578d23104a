"""Resource providers: of each resource class of each, what there is, what is set aside, promised and allocated."""

from collections.abc import Sequence

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from hosts.models import Host
from placement.models import Inventory, Usage
from portal.admin.hosts import amount
from portal.admin.hypervisors import TABS
from portal.ui.lists import Empty, ListPanel
from portal.ui.tables import Cell, Column, Filter, Row

RULES = ("placement:resource_providers:inventories:list", "placement:resource_providers:usages")


class ResourceProviders(ListPanel):
    panel, tabs = "hosts", TABS
    search, order, in_palette = ("provider__name", "provider__id"), ("provider__name", "resource_class"), False
    columns = (
        Column(gettext_lazy("Resource provider"), sort="provider__name"),
        Column(gettext_lazy("Resource class"), hide="m", sort="resource_class"),
        Column(gettext_lazy("Allocated")),
        Column(gettext_lazy("Total"), "n", "m", "total"),
        Column(gettext_lazy("Reserved"), "n", "m"),
        Column(gettext_lazy("Ratio"), "n", "m"),
        Column("UUID", hide="l"),
    )
    filters = (Filter("class", gettext_lazy("Resource class"), "resource_class"),)
    empty = Empty(
        gettext_lazy("No resource providers yet"), gettext_lazy("A host is one once its agent has told what it has.")
    )

    def query(self, actor: RequestContext) -> QuerySet[Inventory]:
        for rule in RULES:
            policy.require(actor, rule)
        used = Usage.objects.filter(provider=OuterRef("provider"), resource_class=OuterRef("resource_class"))
        return Inventory.objects.select_related("provider").annotate(used=Subquery(used.values("used")[:1]))

    def rows(self, actor: RequestContext, found: Sequence[Inventory]) -> list[Row]:
        names = {row.provider.name for row in found}
        hosts = set(Host.objects.filter(name__in=names).values_list("name", flat=True))
        return [row_of(row, is_host=row.provider.name in hosts) for row in found]


def row_of(row: Inventory, *, is_host: bool) -> Row:
    """Make the row of one class of one provider; a host's leads to its page."""
    provider, name = row.provider, row.resource_class
    used = getattr(row, "used", None) or 0
    most = _("of %(limit)s") % {"limit": amount(name, row.capacity)}
    cells = (
        Cell("mono", name),
        Cell("use", (used, row.capacity, amount(name, used), most)),
        Cell("num", amount(name, row.total)),
        Cell("num", amount(name, row.reserved)),
        Cell("num", f"{row.allocation_ratio:g}"),
        Cell("id", provider.pk),
    )
    url = reverse("host", args=[provider.name]) if is_host else ""
    return Row(str(row.pk), provider.name, url, None, cells, sub=name)
