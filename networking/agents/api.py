"""Agents, availability zones and address use, read from hosts and rows.

Neutron has one agent a host and kind; here one host agent does all three, so each network host shows as three.
"""

from datetime import datetime
from typing import TypedDict

from django.db.models import Count
from rest_framework.request import Request

from authorization import policy
from hosts.models import Host
from hosts.states import is_up
from networking.addressing import pool_spans
from networking.agents import services, states
from networking.agents.models import DHCP, KINDS, L3
from networking.conversions import converted
from networking.networks.models import Network
from networking.networks.services import find as find_network
from networking.ports.models import FixedIP
from networking.resource import NetworkView
from networking.routers.models import Router
from networking.routers.services import find as find_router
from networking.subnets.models import Subnet
from openstackapi import bodies
from openstackapi.resource import fields_asked
from openstackapi.views import Response

TOPICS = {DHCP: "dhcp_agent", L3: "l3_agent"}
UPDATE = {
    "type": "object",
    "properties": {
        "agent": {
            "type": "object",
            "properties": {"admin_state_up": {"type": "boolean"}, "description": {"type": "string", "maxLength": 255}},
            "additionalProperties": False,
        }
    },
    "required": ["agent"],
}


def describe(agent: services.Agent) -> dict[str, object]:
    """Build one agent in Neutron's keys. Times are ``2026-01-02 03:04:05``, as Neutron's agents have them."""

    def moment(value: datetime | None) -> str | None:
        return value.strftime("%Y-%m-%d %H:%M:%S") if value else None

    host, kind = agent.host, agent.kind
    configurations: dict[str, object] = {}
    if kind == DHCP:
        configurations["networks"] = Network.objects.filter(dhcp_host=host.name).count()
    elif kind == L3:
        configurations["routers"] = Router.objects.filter(host=host.name).count()
    else:
        configurations["tunnel_types"], configurations["tunneling_ip"] = ["vxlan"], host.underlay_ip
    return {
        "id": agent.id,
        "agent_type": kind,
        "binary": KINDS[kind],
        "topic": TOPICS.get(kind, "N/A"),
        "host": host.name,
        "availability_zone": services.ZONE if services.has_zone(agent) else None,
        **services.shown_state(agent),
        "alive": is_up(host.state),
        "created_at": moment(host.created_at),
        "started_at": moment(host.booted_at),
        "heartbeat_timestamp": moment(host.last_seen_at),
        "configurations": configurations,
        "resources_synced": None,
    }


AGENT = {
    "id": str,
    "agent_type": str,
    "binary": str,
    "topic": str,
    "host": str,
    "availability_zone": str | None,
    "admin_state_up": bool,
    "description": str | None,
    "alive": bool,
    "created_at": str | None,
    "started_at": str | None,
    "heartbeat_timestamp": str | None,
    "configurations": {"networks?": int, "routers?": int, "tunnel_types?": [str], "tunneling_ip?": str | None},
    "resources_synced": None,
}
_FILTERS = ("agent_type", "host", "binary", "id", "availability_zone")
_IN_SUBNET = {
    "subnet_id": str,
    "subnet_name": str,
    "cidr": str,
    "ip_version": int,
    "total_ips": int,
    "used_ips": int,
}
AVAILABILITY = {
    "network_id": str,
    "network_name": str,
    "tenant_id": str,
    "project_id": str,
    "total_ips": int,
    "used_ips": int,
    "subnet_ip_availability": [_IN_SUBNET],
}
#: Query name → column.
_COLUMNS = {"network_id": "pk", "network_name": "name", "project_id": "project_id", "tenant_id": "project_id"}


class Agents(NetworkView):
    """The agents, for administrators; an empty list for everybody else, as in Neutron."""

    answers = {"get": {200: {"agents": [{f"{name}?": shape for name, shape in AGENT.items()}]}}}
    queries = {"get": dict.fromkeys(("fields", *_FILTERS), str)}

    def get(self, request: Request) -> Response:
        if not policy.allows(self.actor, "get_agent"):
            return Response({"agents": []})
        found = [describe(agent) for agent in services.every()]
        for name in _FILTERS:
            if wanted := request.GET.getlist(name):
                found = [agent for agent in found if agent[name] in wanted]
        only = fields_asked(request.GET)
        return Response({"agents": [{k: v for k, v in agent.items() if not only or k in only} for agent in found]})


class AgentDetail(NetworkView):
    bodies = {"put": UPDATE}
    answers = {"get": {200: {"agent": AGENT}}, "put": {200: {"agent": AGENT}}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_agent")
        return Response({"agent": describe(services.find(id))})

    def put(self, request: Request, id: str) -> Response:
        """Describe an agent, or disable it: then others take what it carries."""
        policy.require(self.actor, "update_agent")
        data = converted(self.body({"type": "object"}) or {}, UPDATE)
        bodies.validate(data, UPDATE)
        return Response({"agent": describe(services.update(self.actor, id, **data["agent"]))})

    def delete(self, request: Request, id: str) -> Response:
        services.delete(self.actor, id)
        return Response(status=204)


def agents_on(host: str, kind: str) -> list[dict[str, object]]:
    """Find the agent of this kind on a host, if there is one."""
    return [describe(agent) for agent in services.every() if (agent.host.name, agent.kind) == (host, kind)]


class NetworkAgents(NetworkView):
    """The DHCP agent of a network."""

    answers = {"get": {200: {"agents": [AGENT]}}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_dhcp-agents")
        return Response({"agents": agents_on(find_network(self.actor, id).dhcp_host, DHCP)})


class RouterAgents(NetworkView):
    """The L3 agent of a router."""

    answers = {"get": {200: {"agents": [AGENT]}}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_l3-agents")
        return Response({"agents": agents_on(find_router(self.actor, id).host, L3)})


class AvailabilityZones(NetworkView):
    """The zones of hosts that carry networks."""

    answers = {"get": {200: {"availability_zones": [{"name": str, "resource": str, "state": str}]}}}

    def get(self, request: Request) -> Response:
        hosts = [host for host in Host.objects.filter(forced_down=False) if "network" in host.roles]
        state = states.of_zone(has_host=any(is_up(host.state) for host in hosts))
        zones = [{"name": services.ZONE, "resource": resource, "state": state} for resource in ("network", "router")]
        return Response({"availability_zones": zones if hosts else []})


class IPAvailabilities(NetworkView):
    """How many addresses of each network are used."""

    answers = {"get": {200: {"network_ip_availabilities": [AVAILABILITY]}}}
    queries = {"get": dict.fromkeys((*_COLUMNS, "ip_version"), str)}

    def get(self, request: Request) -> Response:
        policy.require(self.actor, "get_network_ip_availability")
        networks = Network.objects.visible_to(self.actor).order_by("created_at", "id")
        for name, column in _COLUMNS.items():
            if wanted := request.GET.getlist(name):
                networks = networks.filter(**{f"{column}__in": wanted})
        version = request.GET.get("ip_version")
        return Response(
            {"network_ip_availabilities": availability(list(networks), int(version) if version in ("4", "6") else None)}
        )


class IPAvailability(NetworkView):
    answers = {"get": {200: {"network_ip_availability": AVAILABILITY}}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_network_ip_availability")
        return Response({"network_ip_availability": availability([find_network(self.actor, id)], None)[0]})


class SubnetAvailability(TypedDict):
    """How many addresses of one subnet's pools there are, and how many of them ports have."""

    subnet_id: str
    subnet_name: str
    cidr: str
    ip_version: int
    total_ips: int
    used_ips: int


def availability(networks: list[Network], version: int | None) -> list[dict[str, object]]:
    """Totals of the allocation pools and the addresses that ports have, by network and subnet."""
    subnets = Subnet.objects.filter(network__in=networks).order_by("created_at", "id")
    if version:
        subnets = subnets.filter(ip_version=version)
    used = dict(FixedIP.objects.filter(subnet__in=subnets).values_list("subnet_id").annotate(n=Count("id")))
    inside: dict[str, list[SubnetAvailability]] = {}
    for subnet in subnets:
        total = sum(last - first + 1 for first, last in pool_spans(subnet.allocation_pools))
        inside.setdefault(subnet.network_id, []).append(
            {
                "subnet_id": subnet.id,
                "subnet_name": subnet.name,
                "cidr": subnet.cidr,
                "ip_version": subnet.ip_version,
                "total_ips": total,
                "used_ips": used.get(subnet.id, 0),
            }
        )
    return [
        {
            "network_id": network.id,
            "network_name": network.name,
            "tenant_id": network.project_id,
            "project_id": network.project_id,
            "total_ips": sum(row["total_ips"] for row in inside.get(network.id, [])),
            "used_ips": sum(row["used_ips"] for row in inside.get(network.id, [])),
            "subnet_ip_availability": inside.get(network.id, []),
        }
        for network in networks
    ]
