"""The namespaces of metadata definitions: the list, and the page of one with its contents."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Model, Prefetch, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from images.metadefs import services
from images.metadefs.models import OBJECT, PROPERTY, RESOURCE_TYPE, TAG, Definition, Namespace
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, attr

PUBLIC = (("public", gettext_lazy("Public")), ("private", gettext_lazy("Private")))
PROTECTED = (("True", gettext_lazy("Protected")), ("False", gettext_lazy("Not protected")))


@dataclass(frozen=True)
class OfType(Filter):
    """A filter of namespaces by a part of the name of a resource type that they are for."""

    def narrow(self, rows: QuerySet[Model], value: str) -> QuerySet[Model]:
        having = Definition.objects.filter(kind=RESOURCE_TYPE, name__icontains=value).values("namespace")
        return rows.filter(pk__in=having)


def types_of(row: Namespace) -> list[str]:
    """List the resource types that a namespace is for, of definitions that were read with it."""
    return sorted(one.name for one in row.definitions.all() if one.kind == RESOURCE_TYPE)


def title_of(row: Namespace) -> str:
    return row.display_name or row.pk


class Namespaces(ListPanel):
    panel, route = "metadata-definitions", "metadata-definition"
    search, order = ("namespace", "display_name", "description"), ("namespace",)
    columns = (
        Column(gettext_lazy("Namespace"), sort="namespace"),
        Column(gettext_lazy("Name"), hide="m", cell=lambda row: Cell("text", row.display_name or "–")),
        Column(gettext_lazy("Description"), hide="l", cell=lambda row: Cell("text", row.description or "–")),
        Column(gettext_lazy("Resource types"), hide="m", cell=lambda row: Cell("tags", types_of(row))),
        Column(gettext_lazy("Public"), cell=lambda row: Cell("yes", row.visibility == "public")),
        Column(gettext_lazy("Protected"), hide="m", cell=attr("yes", "protected")),
    )
    filters = (
        Filter("visibility", gettext_lazy("Public"), choices=PUBLIC),
        Filter("protected", gettext_lazy("Protected"), choices=PROTECTED),
        OfType("type", gettext_lazy("Resource type")),
    )
    new = New(gettext_lazy("Import namespace"), "metadata-definition-import", "add_metadef_namespace", "wide")
    empty = Empty(
        gettext_lazy("No metadata definitions yet"),
        gettext_lazy(
            "A namespace tells which keys things may have, and what their values mean. It is imported as JSON."
        ),
        "openstack image metadef namespace create --public OS::Compute::Libvirt",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        url = reverse("metadata-definitions-delete") + "?ids="
        return (Bulk("delete", _("Delete…"), "trash", url, risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Namespace]:
        policy.require(actor, "admin")
        types = Definition.objects.filter(kind=RESOURCE_TYPE)
        return services.visible(actor).prefetch_related(Prefetch("definitions", types))


class NamespaceItem(ItemPage):
    panel, kind = "metadata-definitions", "metadef"
    recorded = "service/storage/image/metadefs/namespaces"
    find = staticmethod(services.find)
    tabs = (("", gettext_lazy("Overview")), ("contents", gettext_lazy("Contents")))

    def actions(self, actor: RequestContext, row: Namespace) -> list[Action]:
        def verb(name: str, rule: str, label: str, icon: str, *, risk: bool = False, why: str = "") -> Action:
            url = reverse(f"metadata-definition-{name}", args=[row.pk])
            target = {"project_id": row.project_id}
            return Action(name, label, icon, url, why=gate(actor, rule, target, why), risk=risk)

        kept = _("It is protected. Edit it first.") if row.protected else ""
        return [
            verb("edit", "modify_metadef_namespace", _("Edit"), "pencil"),
            verb("types", "add_metadef_resource_type_association", _("Update associations"), "link"),
            verb("delete", "delete_metadef_namespace", _("Delete"), "trash", risk=True, why=kept),
        ]

    def detail(self, actor: RequestContext, row: Namespace) -> Detail:
        facts = (
            (_("Namespace"), Cell("copy", row.pk)),
            (_("Description"), Cell("text", row.description or "–")),
            (_("Public"), Cell("yes", row.visibility == "public")),
            (_("Protected"), Cell("yes", row.protected)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Changed"), Cell("when", row.updated_at)),
        )
        return Detail(title_of(row), cards=[Card(_("Details"), pairs=facts, name="details"), types_card(actor, row)])

    def tab(self, actor: RequestContext, row: Namespace, name: str) -> list[Card]:
        return [objects_card(actor, row), properties_card(actor, row), tags_card(actor, row)]


def types_card(actor: RequestContext, row: Namespace) -> Card:
    """Build the card of the resource types that a namespace is for."""
    rows = [
        Row(one.name, one.name, "", None,
            (Cell("mono", one.data.get("prefix", "")), Cell("mono", one.data.get("properties_target", ""))))
        for one in services.index(actor, row.pk, RESOURCE_TYPE)
    ]  # fmt: skip
    columns = (Column(_("Resource type")), Column(_("Prefix")), Column(_("Of what"), hide="m"))
    empty = _("It is for no resource type yet.")
    return Card(_("Resource types"), columns=columns, rows=rows, empty=empty, name="types")


def objects_card(actor: RequestContext, row: Namespace) -> Card:
    rows = [
        Row(one.name, one.name, "", None,
            (Cell("tags", sorted(one.data.get("properties") or {})), Cell("text", one.data.get("description", ""))))
        for one in services.index(actor, row.pk, OBJECT)
    ]  # fmt: skip
    columns = (Column(_("Object")), Column(_("Properties")), Column(_("Description"), hide="m"))
    return Card(_("Objects"), columns=columns, rows=rows, empty=_("No objects."), name="objects")


def properties_card(actor: RequestContext, row: Namespace) -> Card:
    rows = [property_row(one) for one in services.index(actor, row.pk, PROPERTY)]
    columns = (
        Column(_("Property")), Column(_("Title")), Column(_("Type")), Column(_("Values"), hide="m"), Column(_("Default"), hide="m"),
    )  # fmt: skip
    return Card(_("Properties"), columns=columns, rows=rows, empty=_("No properties."), name="properties")


def property_row(one: Definition) -> Row:
    """Make the row of one property: what it is called, of which type, and which values it takes."""
    default = one.data.get("default")
    cells = (
        Cell("text", one.data.get("title", "")), Cell("mono", one.data.get("type", "")),
        Cell("tags", one.data.get("enum") or []), Cell("mono", "" if default is None else str(default)),
    )  # fmt: skip
    return Row(one.name, one.name, "", None, cells)


def tags_card(actor: RequestContext, row: Namespace) -> Card:
    names = [one.name for one in services.index(actor, row.pk, TAG)]
    return Card(_("Tags"), pairs=[(_("Tags"), Cell("tags", names))], name="tags")
