"""Security groups, floating IPs and networks in Nova's old form. All end with microversion 2.35."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from common.ids import is_id
from compute.servers.api.schemas import obj
from compute.servers.lifecycle.services import find as find_server
from compute.servers.models import Server
from compute.versions.removed import RouteRemoved
from compute.views import ComputeView, ItemNotFound, Response, flag
from networking.floatingips import services as floatingips
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import FixedIP, Port
from networking.securitygroups import defaults, rules, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule

LAST = (2, 35)


@contextmanager
def as_nova() -> Iterator[None]:
    """Nova says 400 where the network service says 409."""
    try:
        yield
    except Conflict as error:
        raise Invalid(reason=error) from error


# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────


def _rule(rule: SecurityGroupRule) -> dict[str, object]:
    group: dict[str, str] = {}
    if rule.remote_group is not None:
        group = {"name": rule.remote_group.name, "tenant_id": rule.remote_group.project_id}
    cidr = rule.remote_ip_prefix or ("0.0.0.0/0" if rule.ethertype == "IPv4" else "::/0")
    icmp = rule.protocol == "icmp" and rule.port_range_min is None
    return {
        "id": rule.id,
        "parent_group_id": rule.group_id,
        "ip_protocol": rule.protocol or None,
        "from_port": -1 if icmp else rule.port_range_min,
        "to_port": -1 if icmp or (rule.protocol == "icmp" and rule.port_range_max is None) else rule.port_range_max,
        "group": group,
        "ip_range": {} if group else {"cidr": cidr},
    }


def _groups(rows: Iterable[SecurityGroup]) -> list[dict[str, object]]:
    """Each with its rules for what comes in: those are all that Nova knew."""
    found = list(rows)
    by_group: dict[str, list[dict[str, object]]] = {group.id: [] for group in found}
    wanted = SecurityGroupRule.objects.filter(group_id__in=by_group, direction="ingress").select_related("remote_group")
    for rule in wanted.order_by("created_at", "id"):
        by_group[rule.group_id].append(_rule(rule))
    return [
        {
            "id": group.id,
            "name": group.name,
            "description": group.description,
            "tenant_id": group.project_id,
            "rules": by_group[group.id],
        }
        for group in found
    ]


#: A rule for what comes in; `group` and `ip_range` are empty where the other says who may send.
RULE = {
    "id": str,
    "parent_group_id": str,
    "ip_protocol": str | None,
    "from_port": int | None,
    "to_port": int | None,
    "group": {"name?": str, "tenant_id?": str},
    "ip_range": {"cidr?": str},
}
GROUP = {"id": str, "name": str, "description": str, "tenant_id": str, "rules": [RULE]}
_TEXT = {"type": "string", "maxLength": 255}
_GROUP = obj(
    {"security_group": obj({"name": {**_TEXT, "minLength": 1}, "description": _TEXT}, ("name",))}, ("security_group",)
)


class SecurityGroups(ComputeView):
    until = LAST
    bodies = {"post": _GROUP}
    answers = {"get": {200: {"security_groups": [GROUP]}}, "post": {200: {"security_group": GROUP}}}
    queries = {"get": {"all_tenants": str}}

    def get(self, request: Any) -> Response:
        everyone = "all_tenants" in request.GET and flag(request.GET["all_tenants"] or "1", "all_tenants")
        rows = SecurityGroup.objects.visible_to(self.actor).order_by("name", "id")
        if not (everyone and self.actor.is_admin):
            defaults.ensure_default(self.actor.project_id or "")
            rows = rows.filter(project_id=self.actor.project_id or "")
        return Response({"security_groups": _groups(rows)})

    def post(self, request: object) -> Response:
        data = self.body()["security_group"]
        if not data["name"].strip():
            raise Invalid(reason=_("Security group name cannot be empty"))
        with as_nova():
            group = services.create(self.actor, name=data["name"], description=data.get("description", "").strip())
        return Response({"security_group": _groups([group])[0]})


class SecurityGroupDetail(ComputeView):
    until = LAST
    bodies = {"put": _GROUP}
    answers = {"get": {200: {"security_group": GROUP}}, "put": {200: {"security_group": GROUP}}, "delete": {202: None}}

    def get(self, request: object, group_id: str) -> Response:
        return Response({"security_group": _groups([services.find(self.actor, group_id)])[0]})

    def put(self, request: object, group_id: str) -> Response:
        data = self.body()["security_group"]
        with as_nova():
            group = services.update(self.actor, group_id, **data)
        return Response({"security_group": _groups([group])[0]})

    def delete(self, request: object, group_id: str) -> Response:
        with as_nova():
            services.delete(self.actor, group_id)
        return Response(status=202)


_PORT = {"type": ["integer", "string", "null"]}
_RULE = obj(
    {
        "security_group_rule": obj(
            {
                "parent_group_id": {"type": ["string", "integer"]},
                "ip_protocol": {"type": ["string", "null"]},
                "from_port": _PORT,
                "to_port": _PORT,
                "cidr": {"type": ["string", "null"]},
                "group_id": {"type": ["string", "null"]},
            },
            ("parent_group_id",),
        )
    },
    ("security_group_rule",),
)


class SecurityGroupRules(ComputeView):
    until = LAST
    bodies = {"post": _RULE}
    answers = {"post": {200: {"security_group_rule": RULE}}}

    def post(self, request: object) -> Response:
        values = _as_rule(self.body()["security_group_rule"])
        with as_nova():
            rule = rules.create(self.actor, **values)
        return Response({"security_group_rule": _rule(rule)})


def _as_rule(data: dict[str, Any]) -> dict[str, Any]:
    """Nova's rule as keywords of the network service: it lets traffic in, by IPv6 where its cidr is one.

    Raises: Invalid.
    """
    parent = str(data["parent_group_id"])
    if not is_id(parent):
        raise Invalid(reason=_("Parent group id %(parent)s is not a uuid"), parent=parent)
    low, high = _number(data.get("from_port")), _number(data.get("to_port"))
    if data.get("ip_protocol") is None and (low is not None or high is not None):
        raise Invalid(reason=_("Invalid ip_protocol: it must be given with ports"))
    return {
        "security_group_id": parent,
        "direction": "ingress",
        "ethertype": "IPv6" if ":" in (data.get("cidr") or "") else "IPv4",
        "protocol": data.get("ip_protocol"),
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": data.get("cidr"),
        "remote_group_id": data.get("group_id"),
    }


def _number(value: Any) -> int | None:
    """A port as Nova took it: -1 is "any". Raises: Invalid."""
    if value in (None, "", -1, "-1"):
        return None
    try:
        return int(value)
    except ValueError:
        raise Invalid(reason=_("Invalid port %(value)s"), value=value) from None


class SecurityGroupRuleDetail(ComputeView):
    until = LAST
    answers = {"delete": {202: None}}

    def delete(self, request: object, rule_id: str) -> Response:
        rules.delete(self.actor, rule_id)
        return Response(status=202)


# ── Floating IPs ────────────────────────────────────────────────────────────────────────────────────────────────────


def _floating(row: FloatingIP) -> dict[str, object]:
    owner = row.port.server_id or None if row.port is not None else None
    return {
        "id": row.id,
        "ip": row.floating_ip_address,
        "pool": row.network.name or row.network_id,
        "fixed_ip": row.fixed_ip_address or None,
        "instance_id": owner,
    }


_FLOATING = {"id": str, "ip": str, "pool": str, "fixed_ip": str | None, "instance_id": str | None}


class FloatingIPPools(ComputeView):
    until = LAST
    answers = {"get": {200: {"floating_ip_pools": [{"name": str}]}}}

    def get(self, request: object) -> Response:
        rows = Network.objects.visible_to(self.actor).filter(external=True).order_by("name")
        return Response({"floating_ip_pools": [{"name": row.name or row.id} for row in rows]})


class FloatingIPs(ComputeView):
    until = LAST
    bodies = {"post": obj({"pool": {"type": ["string", "null"]}})}
    answers = {"get": {200: {"floating_ips": [_FLOATING]}}, "post": {200: {"floating_ip": _FLOATING}}}

    def get(self, request: object) -> Response:
        rows = FloatingIP.objects.filter(project_id=self.actor.project_id or "").select_related("port", "network")
        return Response({"floating_ips": [_floating(row) for row in rows.order_by("created_at", "id")]})

    def post(self, request: object) -> Response:
        pool = (self.body() or {}).get("pool")
        external = Network.objects.visible_to(self.actor).filter(external=True).order_by("-is_default", "name")
        network = external.filter(Q(name=pool) | Q(id=pool)).first() if pool else external.first()
        if network is None:
            raise ItemNotFound(reason=_("Floating IP pool not found."))
        return Response({"floating_ip": _floating(floatingips.create(self.actor, network_id=network.id))})


class FloatingIPDetail(ComputeView):
    until = LAST
    answers = {"get": {200: {"floating_ip": _FLOATING}}, "delete": {202: None}}

    def get(self, request: object, floating_id: str) -> Response:
        return Response({"floating_ip": _floating(floatingips.find(self.actor, floating_id))})

    def delete(self, request: object, floating_id: str) -> Response:
        floatingips.delete(self.actor, floating_id)
        return Response(status=202)


def by_address(actor: RequestContext, address: str) -> FloatingIP:
    """Find a floating IP by its address. Raises: ItemNotFound."""
    found = FloatingIP.objects.visible_to(actor).filter(floating_ip_address=address).first()
    if found is None:
        raise ItemNotFound(reason=_("floating IP not found"))
    return found


def add_floating_ip(actor: RequestContext, *, server_id: str, address: str, fixed: str | None) -> None:
    """Associate a floating IP with a server's fixed address; None: its first IPv4 one.

    Raises: ItemNotFound, Invalid when the server has no such fixed address.
    """
    server: Server = find_server(actor, server_id, "os_compute_api:os-floating-ips:add")
    floating = by_address(actor, address)
    rows = FixedIP.objects.filter(port__in=Port.objects.of_server(server)).order_by("port__created_at", "id")
    found = rows.filter(ip_address=fixed).first() if fixed else rows.filter(subnet__ip_version=4).first()
    if found is None:
        raise Invalid(
            reason=_("Specified fixed address not assigned to instance")
            if fixed
            else _("No fixed IPs associated to instance")
        )
    with as_nova():
        floatingips.update(actor, floating.id, port_id=found.port_id, fixed_ip_address=found.ip_address)


def remove_floating_ip(actor: RequestContext, *, server_id: str, address: str) -> None:
    """Disassociate a floating IP from a server. Raises: ItemNotFound, Conflict when it leads elsewhere."""
    server: Server = find_server(actor, server_id, "os_compute_api:os-floating-ips:remove")
    floating = by_address(actor, address)
    if floating.port is None or floating.port.server_id != server.id:
        raise Conflict(
            reason=_("Floating IP %(address)s is not associated with instance %(server)s."),
            address=address,
            server=server_id,
        )
    floatingips.update(actor, floating.id, port_id=None)


# ── Networks ────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What is told of no network: there is nothing of it here.
_NOTHING = (
    *("bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at", "deleted", "deleted_at"),
    *("dhcp_server", "dhcp_start", "dns1", "dns2", "enable_dhcp", "gateway", "gateway_v6", "host", "injected"),
    *("mtu", "multi_host", "netmask", "netmask_v6", "priority", "project_id", "rxtx_base", "share_address"),
    *("updated_at", "vlan", "vpn_private_address", "vpn_public_address", "vpn_public_port"),
)
_NETWORK = {**dict.fromkeys(_NOTHING), "id": str, "label": str}
_TENANT_NETWORK = {"id": str, "label": str, "cidr": str}


class Networks(ComputeView):
    until = LAST
    unlisted = frozenset(("post",))
    answers = {"get": {200: {"networks": [_NETWORK]}}}

    def get(self, request: object) -> Response:
        rows = Network.objects.visible_to(self.actor).order_by("created_at", "id")
        return Response({"networks": [{**dict.fromkeys(_NOTHING), "id": r.id, "label": r.name} for r in rows]})

    def post(self, request: object) -> Response:
        """Removed from Nova."""
        raise RouteRemoved()


def _network(actor: RequestContext, network_id: str) -> Network:
    found = Network.objects.visible_to(actor).filter(id=network_id).first()
    if found is None:
        raise ItemNotFound(reason=_("Network not found"))
    return found


class NetworkDetail(ComputeView):
    until = LAST
    unlisted = frozenset(("delete",))
    answers = {"get": {200: {"network": _NETWORK}}}

    def get(self, request: object, network_id: str) -> Response:
        row = _network(self.actor, network_id)
        return Response({"network": {**dict.fromkeys(_NOTHING), "id": row.id, "label": row.name}})

    def delete(self, request: object, network_id: str) -> Response:
        """Removed from Nova."""
        raise RouteRemoved()


class TenantNetworks(ComputeView):
    until = LAST
    unlisted = frozenset(("post",))
    answers = {"get": {200: {"networks": [_TENANT_NETWORK]}}}

    def get(self, request: object) -> Response:
        rows = Network.objects.visible_to(self.actor).order_by("created_at", "id")  # those of os-networks
        return Response({"networks": [{"id": r.id, "label": r.name, "cidr": "None"} for r in rows]})

    def post(self, request: object) -> Response:
        """Removed from Nova."""
        raise RouteRemoved()


class TenantNetworkDetail(ComputeView):
    until = LAST
    unlisted = frozenset(("delete",))
    answers = {"get": {200: {"network": _TENANT_NETWORK}}}

    def get(self, request: object, network_id: str) -> Response:
        row = _network(self.actor, network_id)
        return Response({"network": {"id": row.id, "label": row.name, "cidr": "None"}})

    def delete(self, request: object, network_id: str) -> Response:
        """Removed from Nova."""
        raise RouteRemoved()
