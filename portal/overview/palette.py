"""Ctrl K: names, addresses, ids, pages and verbs of everything in one list; the best match first."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from common.actor import Actor
from images.images.models import Image
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import Port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup
from portal import navigation
from portal.servers import listing
from portal.ui import status
from portal.ui.pages import Page

MOST = 6  # of each kind


@dataclass
class Hit:
    label: str
    url: str
    icon: str
    note: str = ""
    st: status.Status | None = None
    dialog: bool = False
    id: str = ""
    action: str = "open"


@dataclass
class Group:
    label: str
    hits: list[Hit] = field(default_factory=list)


def servers(actor: Actor, text: str) -> list[Hit]:
    query = listing.visible(actor)
    found = listing.rows((listing.search(query, text) if text else query).order_by("name")[:MOST])
    return [
        Hit(
            row["name"], reverse("instance", args=[row["id"]]), "server-2",
            (row["floating"] or row["fixed"] or [""])[0], row["st"], id=row["id"],
        )
        for row in found
    ]  # fmt: skip


def others(actor: Actor, text: str) -> list[Hit]:
    """Networks, routers, groups, images, floating IPs; ports by MAC or id."""
    where = Q(name__icontains=text) | Q(id__startswith=text.lower())
    kinds: tuple[tuple[Any, str, str, str], ...] = (
        (Network.objects.visible_to(actor), "network", "network", _("Network")),
        (Router.objects.visible_to(actor), "router", "route", _("Router")),
        (SecurityGroup.objects.visible_to(actor), "security-group", "shield-lock", _("Security group")),
        (Image.objects.visible_to(actor), "image", "disc", _("Image")),
    )
    hits = []
    for query, route, icon, note in kinds:
        for row in query.filter(where).order_by("name")[:MOST]:
            hits.append(Hit(row.name or row.pk, reverse(route, args=[row.pk]), icon, note, id=row.pk))
    outer = FloatingIP.objects.visible_to(actor).filter(
        Q(floating_ip_address__startswith=text) | Q(id__startswith=text)
    )
    hits += [
        Hit(
            row.floating_ip_address,
            reverse("floating-ips") + f"?q={row.floating_ip_address}",
            "world-pin",
            _("Floating IP"),
        )
        for row in outer[:MOST]
    ]
    ports = Port.objects.visible_to(actor).filter(Q(id__startswith=text) | Q(mac_address__startswith=text))
    hits += [
        Hit(row.mac_address, reverse("network", args=[row.network_id]), "network", _("Port"), id=row.pk)
        for row in ports[:MOST]
    ]
    return hits


def deeds(actor: Actor, text: str, near: list[Hit]) -> list[Hit]:
    """Verbs for the instances that were found, and new things."""
    hits = []
    for hit in near[:2]:
        server = listing.visible(actor).filter(pk=hit.id).first()
        if server is None:
            continue
        if server.runs:
            url = reverse("instance-tab", args=[server.id, "console"])
            hits.append(
                Hit(_("Open console of %(name)s") % {"name": server.name}, url, "device-desktop", action="console")
            )
        url = reverse("instance-delete", args=[server.id])
        hits.append(Hit(_("Delete %(name)s…") % {"name": server.name}, url, "trash", dialog=True, action="delete"))
    name = _("Launch an instance named “%(name)s”") % {"name": text} if text else _("Launch an instance")
    hits.append(Hit(name, reverse("launch") + (f"?name={text}" if text else ""), "rocket", action="launch"))
    new = (
        (_("New network"), "network-create"), (_("New key pair"), "key-pair-create"), (_("New router"), "router-create"),
        (_("New security group"), "security-group-create"), (_("New floating IP"), "floating-ip-create"),
    )  # fmt: skip
    hits += [
        Hit(label, reverse(route), "plus", dialog=True, action="create")
        for label, route in new
        if text.lower() in label.lower()
    ]
    return hits


class Find(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        text, actor = request.GET.get("q", "").strip()[:100], self.actor
        near = servers(actor, text) if actor.project_id else []
        pages = [
            Hit(str(panel.label), panel.url, panel.icon, _("Page"), action=panel.name)
            for _label, entries in navigation.panels(actor)
            for panel in entries
            if text.lower() in str(panel.label).lower()
        ]
        groups = [Group(_("Instances"), near)]
        if text:
            groups.append(Group(_("Also"), others(actor, text)[:12]))
        groups += [
            Group(_("Pages"), pages[: 20 if text else 6]),
            Group(_("Do"), deeds(actor, text, near if text else [])),
        ]
        return self.fragment("overview/found.html", groups=[group for group in groups if group.hits])
