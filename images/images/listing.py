"""Lists of images: filters, sorting and pages as Glance takes them."""

import csv
from typing import Final

from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common import moments
from common.errors import Invalid
from common.numbers import is_whole
from common.truth import truth
from images.images.fields import COLUMNS
from images.images.models import Image, ImageQuerySet, ImageTag
from images.images.services import shown
from images.images.states import STATUSES, VISIBILITIES
from openstackapi.pagination import Page, Paging

PAGING: Final = Paging(usual=25)
SORT_KEYS: Final = {
    key: key for key in ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at")
}
#: Filters on columns; wire name → column. The first group also takes `in:a,b,"c,d"`.
IN_FILTERS: Final = {key: key for key in ("id", "name", "status", "container_format", "disk_format")}
EQUAL_FILTERS: Final = {"owner": "project_id", "checksum": "checksum", "os_hash_value": "os_hash_value"}
NUMBER_FILTERS: Final = {
    **{key: key for key in ("size", "virtual_size", "min_ram", "min_disk")},
    "size_min": "size__gte",
    "size_max": "size__lte",
}
BOOL_FILTERS: Final = ("protected",)
TIME_FILTERS: Final = ("created_at", "updated_at")
#: Parameters of the list beside those of its pages; any other is a property of the image.
FILTERS: Final = (
    *("visibility", "member_status", "os_hidden", "tag"),
    *(*IN_FILTERS, *EQUAL_FILTERS, *NUMBER_FILTERS, *BOOL_FILTERS, *TIME_FILTERS),
)
#: Parameters that are not filters.
OTHERS: Final = frozenset(
    {"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "tag", "os_hidden"}
)


class BadFilter(Invalid):
    template = _("%(reason)s")


def index(actor: RequestContext, request: HttpRequest) -> dict[str, object]:
    """Build the answer of GET /v2/images: images, first, next, schema.

    Raises: BadFilter, BadMarker, BadLimit, BadSortKey.
    """
    policy.require(actor, "get_images")
    params = request.GET
    if "sort" in params and ("sort_key" in params or "sort_dir" in params):
        raise BadFilter(reason=_("Old and new sorting syntax cannot be combined"))
    page = Page.from_request(request, sort_keys=SORT_KEYS, paging=PAGING)
    if page.marker is not None:
        page.marker = page.marker.lower()
    # Only the position of the marker counts, not whether it passes the filters.
    rows = page.apply(matching(actor, request), markers=Image.objects.visible_to(actor))
    found = page.cut(list(rows.values(*COLUMNS)))
    kept = [(key, value) for key, values in params.lists() for value in values if key != "marker"]
    body: dict[str, object] = {"images": shown(found), "first": _href(kept), "schema": "/v2/schemas/images"}
    if page.more and found:
        body["next"] = _href([*kept, ("marker", found[-1]["id"])])
    return body


def _href(params: list[tuple[str, str]]) -> str:
    return f"/v2/images?{urlencode(params)}" if params else "/v2/images"


def matching(actor: RequestContext, request: HttpRequest) -> ImageQuerySet:
    """Query the images a request's filters leave. Raises: BadFilter."""
    params = request.GET
    rows: ImageQuerySet = Image.objects.listed_for(
        actor, visibility=_choice(params, "visibility", (*VISIBILITIES, "all")), member_status=_member_status(params)
    )
    rows = rows.filter(os_hidden=_truth("os_hidden", params.get("os_hidden", "false")))
    for tag in params.getlist("tag"):
        rows = rows.filter(pk__in=ImageTag.objects.filter(value=tag.strip()).values("image_id"))
    for key, values in params.lists():
        if key not in OTHERS:
            for value in values:
                rows = _filter(rows, key, value)
    return rows


def _filter(rows: ImageQuerySet, key: str, value: str) -> ImageQuerySet:
    if key in IN_FILTERS:
        return rows.filter(**{f"{IN_FILTERS[key]}__in": _listed(key, value)})
    if key in EQUAL_FILTERS:
        return rows.filter(**{EQUAL_FILTERS[key]: value})
    if key in NUMBER_FILTERS:
        return rows.filter(**{NUMBER_FILTERS[key]: _number(key, value)})
    if key in BOOL_FILTERS:
        return rows.filter(**{key: _truth(key, value)})
    if key in TIME_FILTERS:
        return rows.filter(_time(key, value))
    if key == "changes-since":
        raise BadFilter(reason=_('The "changes-since" filter is no longer available on v2.'))
    if key.lstrip("-").isdigit():
        # Django reads such a key as a place in a list.
        wanted = [pk for pk, properties in rows.values_list("pk", "properties") if properties.get(key) == value]
        return rows.filter(pk__in=wanted)
    return rows.alias(**{"_wanted": KeyTransform(key, "properties")}).filter(**{"_wanted": value})


def _choice(params: QueryDict, key: str, known: tuple[str, ...]) -> str | None:
    value: str | None = params.get(key) or None
    if value is not None and value not in known:
        raise BadFilter(reason=_("Invalid %(key)s value: %(value)s"), key=key, value=value)
    return value


def _member_status(params: QueryDict) -> str:
    return _choice(params, "member_status", ("pending", "accepted", "rejected", "all")) or "accepted"


def _truth(key: str, text: str) -> bool:
    said = truth(text)
    if said is None:
        raise BadFilter(reason=_("%(key)s must be true or false, not %(text)s."), key=key, text=text)
    return said


def _number(key: str, text: str) -> int:
    if not is_whole(text):
        raise BadFilter(
            reason=_("Invalid %(key)s value: %(text)s. It must be a whole number, zero or more."), key=key, text=text
        )
    return int(text)


def _listed(key: str, value: str) -> list[str]:
    """``in:a,"b,c"`` as its items; anything else is one item (``eq:`` may stand before it)."""
    if not value.startswith("in:"):
        value = value.removeprefix("eq:")
        items = [value]
    else:
        items = [item for row in csv.reader([value[3:]]) for item in row]
    if key == "status":
        for item in items:
            if item not in STATUSES:
                raise BadFilter(reason=_("Invalid status value: %(item)s"), item=item)
    return items


def _time(key: str, value: str) -> Q:
    condition = moments.asked(key, value)
    if condition is None:
        raise BadFilter(reason=_("Invalid time value for %(key)s: %(value)s"), key=key, value=value)
    return condition
