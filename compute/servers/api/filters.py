"""Filters and sort keys of GET /servers. Source: Nova's API reference, "List Servers"."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common import moments
from common.errors import Forbidden, Invalid
from common.numbers import is_whole, wholes
from common.patterns import regex
from compute.servers.lifecycle import states
from compute.servers.models import Server
from compute.views import flag, refuse_unknown
from networking.ports import services as ports
from openstackapi.resource import filter_tags
from openstackapi.versioned import Names, Span
from sharing import received

SORT_KEYS = {
    "access_ip_v4": "access_ip_v4",
    "access_ip_v6": "access_ip_v6",
    "availability_zone": "availability_zone",
    "config_drive": "config_drive",
    "created_at": "created_at",
    "display_description": "description",
    "display_name": "name",
    "host": "host",
    "hostname": "hostname",
    "image_ref": "image_id",
    "instance_type_id": "flavor_id",
    "key_name": "key_name",
    "launch_index": "launch_index",
    "launched_at": "launched_at",
    "locked": "locked",
    "node": "host",
    "power_state": "power_state",
    "progress": "progress",
    "project_id": "project_id",
    "root_device_name": "id",
    "task_state": "task_state",
    "terminated_at": "terminated_at",
    "updated_at": "updated_at",
    "user_id": "user_id",
    "uuid": "id",
    "vm_state": "vm_state",
}
#: Query name → column, compared whole. Those of administrators only are in _ADMIN.
_EXACT = {
    "image": "image_id",
    "image_ref": "image_id",
    "flavor": "flavor_id",
    "instance_type_id": "flavor_id",
    "uuid": "id",
    "reservation_id": "reservation_id",
    "user_id": "user_id",
    "host": "host",
    "node": "host",
    "hostname": "hostname",
    "key_name": "key_name",
    "availability_zone": "availability_zone",
    "vm_state": "vm_state",
    "task_state": "task_state",
    "launch_index": "launch_index",
    "access_ip_v4": "access_ip_v4",
    "access_ip_v6": "access_ip_v6",
    "kernel_id": "image_meta__properties__kernel_id",
    "ramdisk_id": "image_meta__properties__ramdisk_id",
}
_NUMBERS = frozenset({"launch_index"})
_TIMES = {name: name for name in ("created_at", "updated_at", "launched_at", "terminated_at")}
_PATTERN = {"name": "name", "display_name": "name", "description": "description", "display_description": "description"}
_ADMIN = frozenset({"host", "node", "deleted", "launch_index", "soft_deleted"})
KNOWN = frozenset(
    {
        *_EXACT,
        *_PATTERN,
        "all_tenants",
        "auto_disk_config",
        "block_device_mapping",
        "changes-before",
        "changes-since",
        "config_drive",
        "created_at",
        "deleted",
        "disk_config",
        "ip",
        "ip6",
        "launched_at",
        "limit",
        "locked",
        "locked_by",
        "marker",
        "metadata",
        "not-tags",
        "not-tags-any",
        "power_state",
        "progress",
        "project_id",
        "root_device_name",
        "services",
        "soft_deleted",
        "sort_dir",
        "sort_key",
        "status",
        "system_metadata",
        "tags",
        "tags-any",
        "tenant_id",
        "terminated_at",
        "updated_at",
    }
)


#: Versions that refuse unknown parameters, and those that refuse unknown statuses.
_STRICT = Span(since=(2, 75))
_KNOWN_STATUSES = Span(since=(2, 38))
#: Filters that not every version has → version from which each exists.
_DATED = Names({**dict.fromkeys(("tags", "tags-any", "not-tags", "not-tags-any"), (2, 26)), "locked": (2, 73)})


def select(
    actor: RequestContext, query: QueryDict, version: tuple[int, int], rule: str = "os_compute_api:servers:index"
) -> QuerySet[Server]:
    """Filter the servers by a list's query; `rule` is the policy rule of the list. Raises: Invalid, Forbidden."""
    if version in _STRICT:
        refuse_unknown(query, KNOWN)
    rows = _of_projects(actor, query, rule)
    rows = _living(actor, rows, query)
    rows = _by_status(actor, rows, query, version)
    rows = _by_values(actor, rows, query)
    dated = _DATED.at(version)
    rows = filter_tags(rows, {name: query.getlist(name) for name in dated}, _tagged)
    if "locked" in query and "locked" in dated:
        rows = rows.filter(locked=flag(query["locked"], "locked"))
    return _by_address(rows, query)


#: Rule of a list → that of the list of all projects.
_EVERYONE = {
    "os_compute_api:servers:index": "os_compute_api:servers:index:get_all_tenants",
    "os_compute_api:servers:detail": "os_compute_api:servers:detail:get_all_tenants",
}


def _of_projects(actor: RequestContext, query: QueryDict, rule: str) -> QuerySet[Server]:
    text = query.get("all_tenants")
    everyone = text is not None and (text == "" or flag(text, "all_tenants"))
    if not everyone:
        policy.require(actor, rule, actor.project_id)
        return Server.objects.filter(received.or_shared(actor, "server", Q(project_id=actor.project_id or "")))
    policy.require(actor, _EVERYONE[rule])
    project = query.get("project_id") or query.get("tenant_id")
    return Server.objects.filter(project_id=project) if project else Server.objects.all()


def _living(actor: RequestContext, rows: QuerySet[Server], query: QueryDict) -> QuerySet[Server]:
    """Leave out deleted rows, except for an administrator who filters by them, and in lists by time of change."""
    changed = changed_between(query)
    rows = rows.filter(changed)
    wants_deleted = actor.is_admin and "deleted" in query and flag(query["deleted"], "deleted")
    if wants_deleted or (states.says_deleted(query.get("status", "")) and actor.is_admin):
        return rows.filter(deleted=True)
    return rows if changed else rows.filter(deleted=False)


def changed_between(query: QueryDict, *, can_end: bool = True) -> Q:
    """Build the condition on `updated_at` of `changes-since` and `changes-before` (if `can_end`), both inclusive.

    Raises: Invalid.
    """
    since, before = _time(query, "changes-since"), _time(query, "changes-before") if can_end else None
    if since and before and before < since:
        raise Invalid(reason=_("The value of changes-since must be less than or equal to changes-before."))
    clause = moments.compared("updated_at", "gte", since) if since else Q()
    return clause & moments.compared("updated_at", "lte", before) if before else clause


def _time(query: QueryDict, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    found = moments.parsed(text)
    if found is None:
        raise Invalid(
            reason=_("Invalid input for query parameters %(name)s. Value: %(text)s. '%(text)s' is not a 'date-time'"),
            name=name,
            text=text,
        )
    return found


class DeletedHidden(Forbidden):
    template = _("Only administrators may list deleted instances")


def _by_status(
    actor: RequestContext, rows: QuerySet[Server], query: QueryDict, version: tuple[int, int]
) -> QuerySet[Server]:
    """Filter servers by the statuses in the query.

    Raises: DeletedHidden; Invalid for an unknown status from 2.38 on (before, it matches nothing).
    """
    statuses = query.getlist("status")
    if not statuses:
        return rows
    clause = Q(pk__in=[])
    for text in statuses:
        found = states.vm_states_of(text)
        if text.upper() == states.status(states.DELETED, None) and not actor.is_admin:
            raise DeletedHidden()
        if found is None:
            if version in _KNOWN_STATUSES:
                raise Invalid(reason=_("Invalid status value: %(text)s"), text=text)
            continue
        vm_states, tasks = found
        clause |= Q(vm_state__in=vm_states, task_state__in=tasks) if tasks else Q(vm_state__in=vm_states)
    return rows.filter(clause)


def _by_values(actor: RequestContext, rows: QuerySet[Server], query: QueryDict) -> QuerySet[Server]:
    for name, column in _EXACT.items():
        if name in query and (actor.is_admin or name not in _ADMIN):
            texts = query.getlist(name)
            is_number = column in _NUMBERS
            rows = rows.filter(**{f"{column}__in": (wholes(texts) or []) if is_number else texts})
    if "power_state" in query and is_whole(power := str(query["power_state"])):
        rows = rows.filter(power_state=int(power))
    if "config_drive" in query:
        rows = rows.filter(config_drive=flag(query["config_drive"], "config_drive"))
    for name, column in _TIMES.items():
        if (moment := _time(query, name)) is not None:
            rows = rows.filter(moments.compared(column, "eq", moment))
    for name, column in _PATTERN.items():  # last: they read what is left
        if name in query:
            rows = rows.filter(pk__in=regex(str(query[name])).among(rows.values_list("pk", column).iterator()))
    return rows


def _tagged(tags: Sequence[str]) -> Q:
    """A server's tags are a JSON list in one column."""
    return Q(*(Q(tags__icontains=f'"{tag}"') for tag in tags), _connector=Q.OR)


def _by_address(rows: QuerySet[Server], query: QueryDict) -> QuerySet[Server]:
    """`ip` and `ip6` are regular expressions on the addresses, which lie with the ports."""
    for name, version in (("ip", 4), ("ip6", 6)):
        if name not in query:
            continue
        known = ports.addresses(dict(rows.values_list("id", "project_id")))
        texts = ((id, e["ip"]) for id, entries in known.items() for e in entries if e["version"] == version)
        rows = rows.filter(id__in=set(regex(str(query[name])).among(texts)))
    return rows
