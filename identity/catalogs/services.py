"""Verbs of regions, services, endpoints and endpoint groups."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Forbidden, Invalid
from identity import catalog
from identity.catalogs.fields import ENDPOINT, ENDPOINT_GROUP, REGION, SERVICE
from identity.catalogs.models import Endpoint, EndpointGroup, Region, Service
from identity.resource import Missing, Resource, Values


class RegionInUse(Forbidden):
    template = _("Unable to delete region %(id)s because it or its child regions have associated endpoints.")


class RegionLoop(Invalid):
    template = _("A region cannot lie inside itself or its own children.")


class NoSuchPart(Invalid):
    template = _("Could not find %(kind)s: %(id)s.")


class RegionTaken(Conflict):
    template = _("Conflict occurred attempting to store region - Duplicate ID, %(id)s.")


class Regions(Resource[Region]):
    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        if not values.get("id"):
            values.pop("id", None)
        elif row is None and Region.objects.filter(pk=values["id"]).exists():
            raise RegionTaken(id=values["id"])
        if values.get("description") is None and "description" in values:
            values["description"] = ""
        above = values.get("parent_region_id")
        while above:
            if row is not None and above == row.pk:
                raise RegionLoop()
            parent = Region.objects.filter(pk=above).first()
            if parent is None:
                raise Missing(kind="region", id=above)
            above = parent.parent_region_id
        return values

    def leaving(self, actor: RequestContext, row: Any) -> None:
        below, todo = {row.pk}, [row.pk]
        while todo:
            more = set(Region.objects.filter(parent_region_id__in=todo).values_list("id", flat=True)) - below
            below |= more
            todo = list(more)
        if Endpoint.objects.filter(region_id__in=below).exists():
            raise RegionInUse(id=row.pk)
        while below - {row.pk}:  # leaves first: a parent is protected while it has children
            Region.objects.filter(pk__in=below - {row.pk}, children=None).delete()
            below = set(Region.objects.filter(pk__in=below).values_list("id", flat=True))


class Services(Resource[Service]):
    def shape(self, body: Values, row: object) -> Values:
        if body["description"] is None:
            del body["description"]
        return body


class Endpoints(Resource[Endpoint]):
    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        service_id, region_id = values.get("service_id"), values.get("region_id")
        may_be_new = values.pop("may_be_new", False)
        if service_id is not None and not Service.objects.filter(pk=service_id).exists():
            raise NoSuchPart(kind="service", id=service_id)
        if region_id is not None and not Region.objects.filter(pk=region_id).exists():
            if not may_be_new:
                raise NoSuchPart(kind="region", id=region_id)
            Region.objects.create(pk=region_id)  # Keystone makes a region that an endpoint names for the first time
        if "url" in values and not valid_url(values["url"]):
            raise Invalid(reason=_("The url %(url)s names something that cannot be filled in."), url=values["url"])
        return values

    def split(self, values: Values) -> tuple[Values, Values]:
        """Split a region's values. It may be named by `region`, the older attribute, before it is there."""
        columns, extra = super().split(values)
        if values.get("region") is not None and values.get("region_id") is None:
            columns["may_be_new"] = True
        return columns, extra


def valid_url(url: str) -> bool:
    known = {"public_url", "project_id", "tenant_id", "user_id"}
    return catalog.url_for(url, dict.fromkeys(known, "x")) is not None


class EndpointGroups(Resource[EndpointGroup]):
    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        if not values.get("filters") and row is None:
            raise Invalid(reason=_("An endpoint group needs filters."))
        return {name: value for name, value in values.items() if name != "filters" or value is not None}


REGIONS = Regions(
    model=Region,
    name="region",
    plural="regions",
    fields=REGION,
    columns={"parent_region_id": "parent_region_id", "id": "id"},
    flushes=True,
)
SERVICES = Services(
    model=Service,
    name="service",
    plural="services",
    fields=SERVICE,
    columns={"type": "type", "name": "name"},
)
ENDPOINTS = Endpoints(
    model=Endpoint,
    name="endpoint",
    plural="endpoints",
    fields=ENDPOINT,
    columns={"interface": "interface", "service_id": "service_id", "region_id": "region_id"},
)
ENDPOINT_GROUPS = EndpointGroups(
    model=EndpointGroup,
    name="endpoint_group",
    plural="endpoint_groups",
    path="/OS-EP-FILTER/endpoint_groups",
    fields=ENDPOINT_GROUP,
    columns={"name": "name"},
    keeps_extra=False,
)
