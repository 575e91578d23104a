"""Agents, availability zones and address use, read from hosts and rows.

Neutron has one agent a host and kind; here one host agent does all three, so each network host shows as three. Their ids
are made from the host's own id, so that they stay the same.
"""

from typing import Any
from uuid import UUID, uuid5

from django.db.models import Count

from common.errors import NotFound
from hosts.models import Host
from identity import policy
from networking.addressing import pool_spans
from networking.networks.models import Network
from networking.networks.services import find as find_network
from networking.ports.models import FixedIP
from networking.resource import NetworkView
from networking.routers.models import Router
from networking.subnets.models import Subnet
from openstackapi.views import Response

KINDS = {
    "Linux bridge agent": "neutron-linuxbridge-agent",
    "DHCP agent": "neutron-dhcp-agent",
    "L3 agent": "neutron-l3-agent",
}
TOPICS = {"Linux bridge agent": "N/A", "DHCP agent": "dhcp_agent", "L3 agent": "l3_agent"}


class AgentNotFound(NotFound):
    template = "Agent %(id)s could not be found."


def agent_id(host: Host, kind: str) -> str:
    return str(uuid5(UUID(host.id), kind))


def describe(host: Host, kind: str) -> dict[str, Any]:
    """One agent in Neutron's keys. Times are ``2026-01-02 03:04:05``, as Neutron's agents have them."""

    def moment(value: Any) -> str | None:
        return value.strftime("%Y-%m-%d %H:%M:%S") if value else None

    configurations: dict[str, Any] = {}
    if kind == "DHCP agent":
        configurations["networks"] = Network.objects.filter(dhcp_host=host.name).count()
    elif kind == "L3 agent":
        configurations["routers"] = Router.objects.filter(host=host.name).count()
    else:
        configurations["tunnel_types"], configurations["tunneling_ip"] = ["vxlan"], host.underlay_ip
    return {
        "id": agent_id(host, kind),
        "agent_type": kind,
        "binary": KINDS[kind],
        "topic": TOPICS[kind],
        "host": host.name,
        "availability_zone": None if kind == "Linux bridge agent" else host.zone,
        "admin_state_up": host.enabled,
        "alive": host.state == "up",
        "created_at": moment(host.created_at),
        "started_at": moment(host.booted_at),
        "heartbeat_timestamp": moment(host.last_seen_at),
        "description": None,
        "configurations": configurations,
        "resources_synced": None,
    }


def every_agent() -> list[dict[str, Any]]:
    hosts = [host for host in Host.objects.order_by("name") if "network" in host.roles]
    return [describe(host, kind) for host in hosts for kind in KINDS]


class Agents(NetworkView):
    """The agents, for administrators; an empty list for everybody else, as in Neutron."""

    def get(self, request: Any) -> Response:
        if not policy.allows(self.actor, "network:agent:list"):
            return Response({"agents": []})
        found = every_agent()
        for name in ("agent_type", "host", "binary", "id", "availability_zone"):
            if wanted := request.GET.getlist(name):
                found = [agent for agent in found if agent[name] in wanted]
        only = self.only()
        return Response({"agents": [{k: v for k, v in agent.items() if not only or k in only} for agent in found]})


class AgentDetail(NetworkView):
    def get(self, request: Any, id: str) -> Response:
        policy.require(self.actor, "network:agent:list")
        return Response({"agent": find_agent(id)})


def find_agent(id: str) -> dict[str, Any]:
    """Raises: AgentNotFound."""
    for agent in every_agent():
        if agent["id"] == id:
            return agent
    raise AgentNotFound(id=id)


class NetworkAgents(NetworkView):
    """The DHCP agent of a network."""

    def get(self, request: Any, id: str) -> Response:
        policy.require(self.actor, "network:agent:list")
        host = Host.objects.filter(pk=find_network(self.actor, id).dhcp_host).first()
        return Response({"agents": [describe(host, "DHCP agent")] if host else []})


class RouterAgents(NetworkView):
    """The L3 agent of a router."""

    def get(self, request: Any, id: str) -> Response:
        from networking.routers.services import find

        policy.require(self.actor, "network:agent:list")
        host = Host.objects.filter(pk=find(self.actor, id).host).first()
        return Response({"agents": [describe(host, "L3 agent")] if host else []})


class AvailabilityZones(NetworkView):
    """The zones of hosts that carry networks."""

    def get(self, request: Any) -> Response:
        states: dict[str, bool] = {}
        for host in Host.objects.filter(forced_down=False):
            if "network" in host.roles:
                states[host.zone] = states.get(host.zone, False) or host.state == "up"
        zones = [
            {"name": name, "resource": resource, "state": "available" if is_up else "unavailable"}
            for name, is_up in sorted(states.items())
            for resource in ("network", "router")
        ]
        return Response({"availability_zones": zones})


class IPAvailabilities(NetworkView):
    """How many addresses of each network are used."""

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "network:network_ip_availability:list")
        networks = Network.objects.visible_to(self.actor).order_by("created_at", "id")
        for name, column in (
            ("network_id", "pk"),
            ("network_name", "name"),
            ("project_id", "project_id"),
            ("tenant_id", "project_id"),
        ):
            if wanted := request.GET.getlist(name):
                networks = networks.filter(**{f"{column}__in": wanted})
        version = request.GET.get("ip_version")
        return Response(
            {"network_ip_availabilities": availability(list(networks), int(version) if version in ("4", "6") else None)}
        )


class IPAvailability(NetworkView):
    def get(self, request: Any, id: str) -> Response:
        policy.require(self.actor, "network:network_ip_availability:list")
        return Response({"network_ip_availability": availability([find_network(self.actor, id)], None)[0]})


def availability(networks: list[Network], version: int | None) -> list[dict[str, Any]]:
    """Totals of the allocation pools and the addresses that ports have, by network and subnet."""
    subnets = Subnet.objects.filter(network__in=networks).order_by("created_at", "id")
    if version:
        subnets = subnets.filter(ip_version=version)
    used = dict(FixedIP.objects.filter(subnet__in=subnets).values_list("subnet_id").annotate(n=Count("id")))
    inside: dict[str, list[dict[str, Any]]] = {}
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
