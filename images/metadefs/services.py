"""The verbs of metadata definitions."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, Forbidden, NotFound
from images.images.errors import ReadOnly
from images.metadefs.models import OBJECT, PROPERTY, RESOURCE_TYPE, TAG, Definition, Namespace
from images.metadefs.schemas import READ_ONLY
from openstackapi.fields import iso_z

#: Resource types that exist whether or not a namespace is associated with them.
KNOWN_TYPES = (
    *("OS::Cinder::Volume", "OS::Glance::Image", "OS::Nova::Aggregate", "OS::Nova::Flavor", "OS::Nova::Server"),
    "OS::Trove::Instance",
)
ONE = {OBJECT: "object", PROPERTY: "property", TAG: "tag", RESOURCE_TYPE: "resource type association"}


class NamespaceNotFound(NotFound):
    template = _("Metadata definition namespace=%(id)s was not found.")


class DefinitionNotFound(NotFound):
    template = _("The metadata definition %(kind)s with name=%(id)s was not found in namespace=%(namespace)s.")


class DuplicateDefinition(Conflict):
    formerly = ("Duplicate",)
    template = _("A metadata definition %(kind)s with name=%(name)s already exists.")


class NamespaceProtected(Forbidden):
    template = _("Metadata definition namespace %(id)s is protected and cannot be deleted.")


# ── Rules, by kind ──────────────────────────────────────────────────────────────────────────────────────────────────

_LIST = {
    OBJECT: "get_metadef_objects",
    PROPERTY: "get_metadef_properties",
    TAG: "get_metadef_tags",
    RESOURCE_TYPE: "get_metadef_resource_type",
}
_SHOW = {
    OBJECT: "get_metadef_object",
    PROPERTY: "get_metadef_property",
    TAG: "get_metadef_tag",
    RESOURCE_TYPE: "get_metadef_resource_type",
}
_ADD = {
    OBJECT: "add_metadef_object",
    PROPERTY: "add_metadef_property",
    TAG: "add_metadef_tag",
    RESOURCE_TYPE: "add_metadef_resource_type_association",
}
_MODIFY = {OBJECT: "modify_metadef_object", PROPERTY: "modify_metadef_property", TAG: "modify_metadef_tag"}
_DELETE = {
    OBJECT: "delete_metadef_object",
    PROPERTY: "remove_metadef_property",
    TAG: "delete_metadef_tag",
    RESOURCE_TYPE: "remove_metadef_resource_type_association",
}
_DELETE_ALL = {TAG: "delete_metadef_tags"}


# ── Namespaces ──────────────────────────────────────────────────────────────────────────────────────────────────────


def visible(actor: RequestContext, rule: str = "get_metadef_namespaces") -> "QuerySet[Namespace]":
    policy.require(actor, rule)
    rows = Namespace.objects.all()
    return rows if actor.is_admin else rows.filter(Q(visibility="public") | Q(project_id=actor.project_id or ""))


def find(actor: RequestContext, name: str, *, to_change: str = "", to_read: str = "get_metadef_namespace") -> Namespace:
    """`to_read` is the rule that shows what is wanted, `to_change` the one of a change. Raises: NamespaceNotFound, Forbidden."""
    found = visible(actor, to_read).filter(pk=name).first()
    if found is None:
        raise NamespaceNotFound(id=name)
    target = {"project_id": found.project_id}
    if to_change and not policy.allows(actor, to_change, target):
        raise policy.forbids(actor, to_change, target)
    return found


def render_namespace(row: Namespace, *, whole: bool) -> dict[str, object]:
    at = f"/v2/metadefs/namespaces/{row.pk}"
    shown: dict[str, object] = {
        "namespace": row.pk,
        "visibility": row.visibility,
        "protected": row.protected,
        "owner": row.project_id,
        "created_at": iso_z(row.created_at),
        "updated_at": iso_z(row.updated_at),
        "self": at,
        "schema": "/v2/schemas/metadefs/namespace",
    }
    shown |= {key: value for key in ("display_name", "description") if (value := getattr(row, key)) is not None}
    inner: dict[str, list[Definition]] = {}
    for definition in row.definitions.all():
        inner.setdefault(definition.kind, []).append(definition)
    types = [render(d) for d in inner.get(RESOURCE_TYPE, [])]
    if types:
        shown["resource_type_associations"] = types
    if whole:
        if OBJECT in inner:
            shown["objects"] = [render(d) for d in inner[OBJECT]]
        if PROPERTY in inner:
            shown["properties"] = {d.name: d.data for d in inner[PROPERTY]}
        if TAG in inner:
            shown["tags"] = [{"name": d.name} for d in inner[TAG]]
    return shown


class NamespaceBody(TypedDict):
    """A namespace in a request, as schemas.NAMESPACE describes it."""

    namespace: str
    display_name: NotRequired[str | None]
    description: NotRequired[str | None]
    visibility: NotRequired[str]
    protected: NotRequired[bool]
    owner: NotRequired[str]
    objects: NotRequired[list[dict[str, object]]]
    tags: NotRequired[list[dict[str, object]]]
    properties: NotRequired[dict[str, dict[str, object]]]
    resource_type_associations: NotRequired[list[dict[str, object]]]


@transaction.atomic
def create_namespace(actor: RequestContext, body: NamespaceBody) -> Namespace:
    """Create a namespace with everything in it. Raises: ReadOnly, DuplicateDefinition, Forbidden."""
    refuse_read_only(body)
    policy.require(actor, "add_metadef_namespace")
    row = Namespace(
        pk=body["namespace"],
        project_id=body.get("owner") or actor.project_id or "",
        display_name=body.get("display_name"),
        description=body.get("description"),
        visibility=body.get("visibility", "private"),
        protected=body.get("protected", False),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise DuplicateDefinition(kind="namespace", name=row.pk) from error
    for item in body.get("objects", []):
        add(row, OBJECT, item)
    for item in body.get("tags", []):
        add(row, TAG, item)
    for name, item in body.get("properties", {}).items():
        add(row, PROPERTY, {**item, "name": name})
    for item in body.get("resource_type_associations", []):
        add(row, RESOURCE_TYPE, item)
    return row


@transaction.atomic
def update_namespace(actor: RequestContext, name: str, body: NamespaceBody) -> Namespace:
    """Replaces a namespace's own attributes, its name too. Raises: NamespaceNotFound, DuplicateDefinition, ReadOnly, Forbidden."""
    refuse_read_only(body)
    row = find(actor, name, to_change="modify_metadef_namespace")
    row.display_name, row.description = body.get("display_name"), body.get("description")
    row.visibility, row.protected = body.get("visibility", "private"), body.get("protected", False)
    row.project_id = body.get("owner") or row.project_id
    row.updated_at = now()
    if body["namespace"] == name:
        row.save()
        return row
    if Namespace.objects.filter(pk=body["namespace"]).exists():
        raise DuplicateDefinition(kind="namespace", name=body["namespace"])
    row.pk = body["namespace"]
    row.save(force_insert=True)
    Definition.objects.filter(namespace_id=name).update(namespace_id=row.pk)
    Namespace.objects.filter(pk=name).delete()
    return row


@transaction.atomic
def delete_namespace(actor: RequestContext, name: str) -> None:
    """Raises: NamespaceNotFound, NamespaceProtected, Forbidden."""
    row = find(actor, name, to_change="delete_metadef_namespace")
    if row.protected:
        raise NamespaceProtected(id=name)
    row.delete()


# ── What is in a namespace ──────────────────────────────────────────────────────────────────────────────────────────


def refuse_read_only(body: Mapping[str, object]) -> None:
    for name in READ_ONLY:
        if name in body:
            raise ReadOnly(name=name)


def render(row: Definition) -> dict[str, object]:
    if row.kind == PROPERTY:
        return {"name": row.name, **row.data}
    times = {"created_at": iso_z(row.created_at), "updated_at": iso_z(row.updated_at)}
    if row.kind == RESOURCE_TYPE:
        return {"name": row.name, **row.data, **times}
    at = f"/v2/metadefs/namespaces/{row.namespace_id}/{row.kind}/{row.name}"
    return {"name": row.name, **row.data, **times, "self": at, "schema": f"/v2/schemas/metadefs/{ONE[row.kind]}"}


def index(actor: RequestContext, namespace: str, kind: str) -> list[Definition]:
    """Raises: NamespaceNotFound."""
    return list(find(actor, namespace, to_read=_LIST[kind]).definitions.filter(kind=kind).order_by("name"))


def get(actor: RequestContext, namespace: str, kind: str, name: str) -> Definition:
    """Raises: NamespaceNotFound, DefinitionNotFound."""
    row = find(actor, namespace, to_read=_SHOW[kind]).definitions.filter(kind=kind, name=name).first()
    if row is None:
        raise DefinitionNotFound(kind=ONE[kind], id=name, namespace=namespace)
    return row


def add(namespace: Namespace, kind: str, body: dict[str, object]) -> Definition:
    refuse_read_only(body)
    data = {key: value for key, value in body.items() if key != "name"}
    row = Definition(namespace=namespace, kind=kind, name=str(body["name"]), data=data)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise DuplicateDefinition(kind=ONE[kind], name=body["name"]) from error
    return row


@transaction.atomic
def create(actor: RequestContext, namespace: str, kind: str, body: dict[str, object]) -> Definition:
    """Raises: NamespaceNotFound, DuplicateDefinition, ReadOnly, Forbidden."""
    return add(find(actor, namespace, to_change=_ADD[kind]), kind, body)


@transaction.atomic
def replace_tags(actor: RequestContext, namespace: str, names: list[str], *, append: bool) -> list[Definition]:
    """Set all tags of a namespace anew, or more of them. Raises: NamespaceNotFound, DuplicateDefinition, Forbidden."""
    row = find(actor, namespace, to_change="add_metadef_tags")
    if not append:
        row.definitions.filter(kind=TAG).delete()
    return [add(row, TAG, {"name": name}) for name in names]


@transaction.atomic
def update(actor: RequestContext, namespace: str, kind: str, name: str, body: dict[str, object]) -> Definition:
    """Replaces a definition, its name too. Raises: DefinitionNotFound, DuplicateDefinition, ReadOnly, Forbidden."""
    refuse_read_only(body)
    find(actor, namespace, to_change=_MODIFY[kind])
    row = get(actor, namespace, kind, name)
    taken = Definition.objects.filter(namespace_id=namespace, kind=kind, name=body["name"]).exclude(pk=row.pk)
    if taken.exists():
        raise DuplicateDefinition(kind=ONE[kind], name=body["name"])
    row.name, row.updated_at = str(body["name"]), now()
    row.data = {key: value for key, value in body.items() if key != "name"}
    row.save()
    return row


@transaction.atomic
def delete(actor: RequestContext, namespace: str, kind: str, name: str | None = None) -> None:
    """Delete one definition, or all of a kind. Raises: NamespaceNotFound, DefinitionNotFound, Forbidden."""
    row = find(actor, namespace, to_change=_DELETE[kind] if name is not None else _DELETE_ALL.get(kind, _DELETE[kind]))
    if name is None:
        row.definitions.filter(kind=kind).delete()
    else:
        get(actor, namespace, kind, name).delete()


def resource_types() -> dict[str, dict[str, object]]:
    """Name → what is shown, of every known resource type."""
    used = Definition.objects.filter(kind=RESOURCE_TYPE).order_by("-created_at").values_list("name", "created_at")
    shown: dict[str, dict[str, object]] = {name: {"name": name} for name in KNOWN_TYPES}
    for name, at in used:
        shown[name] = {"name": name, "created_at": iso_z(at), "updated_at": iso_z(at)}
    return shown
