"""The panels of networks, routers, floating IPs and security groups."""

from django.db.models import Q
from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import Port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup
from portal.networks import (
    floatingips,
    groups,
    network_dialogs,
    networks,
    port_dialogs,
    ports,
    router_dialogs,
    routers,
    rules,
    subnets,
)
from portal.ui import Text
from portal.ui.hits import MOST, Found, Hit, is_of_address, named, new, starts
from portal.ui.panels import Limit, Panel, Quotas, Subject, names_of, of_project
from portal.ui.tables import joined

GROUP = gettext_lazy("Network")


NEW_NETWORK, NEW_PORT, NEW_ROUTER, NEW_ADDRESS, NEW_GROUP = (
    (gettext_lazy("New network"), gettext_lazy("Create network")),
    (gettext_lazy("New port"), gettext_lazy("Create port")),
    (gettext_lazy("New router"), gettext_lazy("Create router")),
    (gettext_lazy("New floating IP"), gettext_lazy("Allocate floating IP")),
    (gettext_lazy("New security group"), gettext_lazy("Create security group")),
)


def _made(words: tuple[Text, Text], route: str, text: str) -> list[Hit]:
    """List the verb that makes one, by either of its words."""
    return new(words[0], route, text, words[1])


def _networks(actor: RequestContext, text: str) -> Found:
    """Find networks by name, by the start of their id, or by the start of a subnet's addresses."""
    seen = Network.objects.visible_to(actor)
    found = named(seen, text, "network", "network", gettext_lazy("Network"))
    if is_of_address(text):
        subnets = seen.filter(subnets__cidr__startswith=text).values_list("pk", "name", "subnets__cidr")[:MOST]
        found += [Hit(name or pk, reverse("network", args=[pk]), "network", cidr, id=pk) for pk, name, cidr in subnets]
    return Found(also=found, deeds=_made(NEW_NETWORK, "network-create", text))


def _ports(actor: RequestContext, text: str) -> Found:
    """Find ports by the start of their name, MAC address, id or of an address of theirs."""
    seen = Port.objects.visible_to(actor)
    begins = starts("id", text.lower()) | starts("mac_address", text.lower()) | Q(name__istartswith=text)
    ids = list(seen.filter(begins).values_list("pk", flat=True)[:MOST]) if text else []
    if is_of_address(text):
        ids += seen.filter(starts("fixed_ips__ip_address", text)).values_list("pk", flat=True)[:MOST]
    rows = Port.objects.filter(pk__in=ids).prefetch_related("fixed_ips")
    found = [
        Hit(ports.called(row), reverse("port", args=[row.pk]), "plug-connected",
            joined((ip.ip_address for ip in row.fixed_ips.all()), 1) or gettext_lazy("Port"), id=row.pk)
        for row in rows
    ]  # fmt: skip
    return Found(also=found[:MOST], deeds=_made(NEW_PORT, "port-create", text))


def _routers(actor: RequestContext, text: str) -> Found:
    found = named(Router.objects.visible_to(actor), text, "router", "route", gettext_lazy("Router"))
    return Found(also=found, deeds=_made(NEW_ROUTER, "router-create", text))


def _floating_ips(actor: RequestContext, text: str) -> Found:
    """Find floating IPs by the start of their address or id."""
    rows = FloatingIP.objects.visible_to(actor).filter(Q(floating_ip_address__startswith=text) | Q(id__startswith=text))
    found = [
        Hit(
            row.floating_ip_address,
            reverse("floating-ips") + f"?q={row.floating_ip_address}",
            "world-pin",
            gettext_lazy("Floating IP"),
        )
        for row in (rows[:MOST] if text else ())
    ]
    return Found(also=found, deeds=_made(NEW_ADDRESS, "floating-ip-create", text))


def _security_groups(actor: RequestContext, text: str) -> Found:
    rows = SecurityGroup.objects.visible_to(actor)
    found = named(rows, text, "security-group", "shield-lock", gettext_lazy("Security group"))
    return Found(also=found, deeds=_made(NEW_GROUP, "security-group-create", text))


QUOTAS = Quotas(
    "network",
    GROUP,
    place=20,
    read="get_quota",
    write="update_quota",
    limits=[
        Limit("floatingip", gettext_lazy("Floating IPs"), on_overview=True),
        Limit("network", gettext_lazy("Networks"), on_overview=True),
        Limit("security_group", gettext_lazy("Security groups"), on_overview=True),
        Limit("subnet", gettext_lazy("Subnets")),
        Limit("port", gettext_lazy("Ports"), on_overview=True),
        Limit("router", gettext_lazy("Routers"), on_overview=True),
        Limit("security_group_rule", gettext_lazy("Security group rules"), on_overview=True),
        Limit("subnetpool", gettext_lazy("Subnet pools")),
        Limit("rbac_policy", gettext_lazy("RBAC policies")),
    ],
)
_SUBNET = "networks/<str:id>/subnets/<str:subnet>"
_AGENT = "networks/<str:id>/agents/<str:host>"
_PAIR = "ports/<str:id>/pairs/<str:mac>"
_INTERFACE = "routers/<str:id>/interfaces/<str:port>"
_ROUTE = "routers/<str:id>/routes/<str:hop>"

PANELS = (
    Panel(
        name="networks",
        label=gettext_lazy("Networks"),
        icon="network",
        group=GROUP,
        place=310,
        key="n",
        count=of_project(Network),
        search=_networks,
        subjects=[Subject("network", "network", names_of(Network))],
        quotas=[QUOTAS],
        urls=[
            path("networks", networks.Networks.as_view(), name="networks"),
            path("networks/create", network_dialogs.CREATE.as_view(), name="network-create"),
            path("networks/delete", network_dialogs.DELETE.as_view(), name="networks-delete"),
            path("networks/<str:id>", networks.NetworkItem.as_view(), name="network"),
            path("networks/<str:id>/edit", network_dialogs.EDIT.as_view(), name="network-edit"),
            path("networks/<str:id>/delete", network_dialogs.DELETE.as_view(), name="network-delete"),
            path("networks/<str:id>/subnets/delete", subnets.DELETE.as_view(), name="subnets-delete"),
            path("networks/<str:id>/subnets/create", subnets.CREATE.as_view(), name="subnet-create"),
            path(f"{_SUBNET}/menu", subnets.MENU.as_view(), name="subnet-menu"),
            path(f"{_SUBNET}/edit", subnets.EDIT.as_view(), name="subnet-edit"),
            path(f"{_SUBNET}/delete", subnets.DELETE.as_view(), name="subnet-delete"),
            path("networks/<str:id>/agents/add", network_dialogs.ADD_AGENT.as_view(), name="network-agent-add"),
            path(f"{_AGENT}/menu", network_dialogs.AGENT_MENU.as_view(), name="network-agent-menu"),
            path(f"{_AGENT}/delete", network_dialogs.REMOVE_AGENT.as_view(), name="network-agent-delete"),
            path("networks/<str:id>/<str:tab>", networks.NetworkItem.as_view(), name="network-tab"),
        ],
    ),
    Panel(
        name="ports",
        label=gettext_lazy("Ports"),
        icon="plug-connected",
        group=GROUP,
        place=315,
        count=of_project(Port),
        search=_ports,
        urls=[
            path("ports", ports.Ports.as_view(), name="ports"),
            path("ports/create", port_dialogs.CREATE.as_view(), name="port-create"),
            path("ports/delete", port_dialogs.DELETE.as_view(), name="ports-delete"),
            path("ports/<str:id>", ports.PortItem.as_view(), name="port"),
            path("ports/<str:id>/edit", port_dialogs.EDIT.as_view(), name="port-edit"),
            path("ports/<str:id>/delete", port_dialogs.DELETE.as_view(), name="port-delete"),
            path("ports/<str:id>/pairs/add", port_dialogs.ADD_PAIR.as_view(), name="pair-add"),
            path(f"{_PAIR}/menu/<path:ip>", port_dialogs.PAIR_MENU.as_view(), name="pair-menu"),
            path(f"{_PAIR}/delete/<path:ip>", port_dialogs.DELETE_PAIR.as_view(), name="pair-delete"),
            path("ports/<str:id>/<str:tab>", ports.PortItem.as_view(), name="port-tab"),
        ],
    ),
    Panel(
        name="routers",
        label=gettext_lazy("Routers"),
        icon="route",
        group=GROUP,
        place=320,
        key="r",
        count=of_project(Router),
        search=_routers,
        subjects=[Subject("router", "router", names_of(Router))],
        urls=[
            path("routers", routers.Routers.as_view(), name="routers"),
            path("routers/create", router_dialogs.CREATE.as_view(), name="router-create"),
            path("routers/delete", router_dialogs.DELETE.as_view(), name="routers-delete"),
            path("routers/<str:id>", routers.RouterItem.as_view(), name="router"),
            path("routers/<str:id>/edit", router_dialogs.EDIT.as_view(), name="router-edit"),
            path("routers/<str:id>/gateway", router_dialogs.GATEWAY.as_view(), name="router-gateway"),
            path("routers/<str:id>/clear-gateway", router_dialogs.CLEAR_GATEWAY.as_view(), name="router-clear"),
            path("routers/<str:id>/delete", router_dialogs.DELETE.as_view(), name="router-delete"),
            path("routers/<str:id>/interfaces/add", router_dialogs.ADD_INTERFACE.as_view(), name="router-interface"),
            path(f"{_INTERFACE}/menu", router_dialogs.INTERFACE_MENU.as_view(), name="router-interface-menu"),
            path(f"{_INTERFACE}/delete", router_dialogs.REMOVE_INTERFACE.as_view(), name="router-interface-delete"),
            path("routers/<str:id>/routes/add", router_dialogs.ADD_ROUTE.as_view(), name="router-route"),
            path(f"{_ROUTE}/menu/<path:to>", router_dialogs.ROUTE_MENU.as_view(), name="router-route-menu"),
            path(f"{_ROUTE}/delete/<path:to>", router_dialogs.DELETE_ROUTE.as_view(), name="router-route-delete"),
            path("routers/<str:id>/<str:tab>", routers.RouterItem.as_view(), name="router-tab"),
        ],
    ),
    Panel(
        name="floating-ips",
        label=gettext_lazy("Floating IPs"),
        icon="world-pin",
        group=GROUP,
        place=330,
        key="f",
        count=of_project(FloatingIP),
        search=_floating_ips,
        urls=[
            path("floating-ips", floatingips.FloatingIPs.as_view(), name="floating-ips"),
            path("floating-ips/create", floatingips.ALLOCATE.as_view(), name="floating-ip-create"),
            path("floating-ips/delete", floatingips.RELEASE.as_view(), name="floating-ips-delete"),
            path("floating-ips/<str:id>/edit", floatingips.EDIT.as_view(), name="floating-ip-edit"),
            path("floating-ips/<str:id>", floatingips.FloatingItem.as_view(), name="floating-ip"),
            path("floating-ips/<str:id>/associate", floatingips.ASSOCIATE.as_view(), name="floating-ip-associate"),
            path(
                "floating-ips/<str:id>/disassociate",
                floatingips.DISASSOCIATE.as_view(),
                name="floating-ip-disassociate",
            ),
            path("floating-ips/<str:id>/delete", floatingips.RELEASE.as_view(), name="floating-ip-delete"),
        ],
    ),
    Panel(
        name="security-groups",
        label=gettext_lazy("Security groups"),
        icon="shield-lock",
        group=GROUP,
        place=340,
        key="s",
        count=of_project(SecurityGroup),
        search=_security_groups,
        urls=[
            path("security-groups", groups.SecurityGroups.as_view(), name="security-groups"),
            path("security-groups/create", groups.CREATE.as_view(), name="security-group-create"),
            path("security-groups/delete", groups.DELETE.as_view(), name="security-groups-delete"),
            path("security-groups/<str:id>", groups.GroupItem.as_view(), name="security-group"),
            path("security-groups/<str:id>/edit", groups.EDIT.as_view(), name="security-group-edit"),
            path("security-groups/<str:id>/delete", groups.DELETE.as_view(), name="security-group-delete"),
            path("security-groups/<str:id>/rules", rules.RULES.as_view(), name="rules"),
            path("security-groups/<str:id>/<str:tab>", groups.GroupItem.as_view(), name="security-group-tab"),
        ],
    ),
)
