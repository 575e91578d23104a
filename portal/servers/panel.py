"""The panels of instances: the project's, and every project's."""

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.models import Server
from portal.load import views as load
from portal.servers import consoles, detail, dialogs, launch, listing, status, verbs
from portal.ui.hits import MOST, Found, Hit
from portal.ui.panels import Limit, Panel, Quotas, Subject


def _search(actor: RequestContext, text: str) -> Found:
    """Instances by name, id or address; the first few without a text. Verbs for the nearest two, and launching."""
    query = listing.visible(actor)
    found = listing.rows((listing.search(query, text) if text else query).order_by("name")[:MOST])
    own = [
        Hit(
            row["name"], reverse("instance", args=[row["id"]]), "server-2",
            (row["floating"] or row["fixed"] or [""])[0], row["st"], id=row["id"],
        )
        for row in found
    ]  # fmt: skip
    near = listing.visible(actor).filter(pk__in=[hit.id for hit in own[:2]]).order_by("name") if text else ()
    return Found(own=own, deeds=[*(deed for server in near for deed in _deeds(server)), _launch(text)])


def _deeds(server: Server) -> list[Hit]:
    """Verbs that people often want of an instance that they found."""
    found = []
    if server.runs:
        url = reverse("instance-tab", args=[server.id, "console"])
        label = _("Open console of %(name)s") % {"name": server.name}
        found.append(Hit(label, url, "device-desktop", action="console"))
    url = reverse("instance-delete", args=[server.id])
    label = _("Delete %(name)s…") % {"name": server.name}
    return [*found, Hit(label, url, "trash", dialog=True, action="delete")]


def _launch(text: str) -> Hit:
    label = _("Launch an instance named “%(name)s”") % {"name": text} if text else _("Launch an instance")
    return Hit(label, reverse("launch") + (f"?name={text}" if text else ""), "rocket", action="launch")


def _names(ids: set[str]) -> dict[str, tuple[str, bool]]:
    """Look up servers' names by id, deleted ones included: id → (name, is it deleted)."""
    found = Server.objects.filter(pk__in=ids).values_list("pk", "name", "deleted")
    return {id: (name, gone) for id, name, gone in found}


QUOTAS = Quotas(
    "compute",
    gettext_lazy("Compute"),
    place=10,
    read="os_compute_api:os-quota-sets:show",
    write="os_compute_api:os-quota-sets:update",
    limits=[
        Limit("instances", gettext_lazy("Instances"), on_overview=True),
        Limit("cores", "vCPUs", on_overview=True),
        Limit("ram", gettext_lazy("Memory"), is_mib=True, on_overview=True),
        Limit("metadata_items", gettext_lazy("Metadata items")),
        Limit("key_pairs", gettext_lazy("Key pairs")),
        Limit("server_groups", gettext_lazy("Server groups")),
        Limit("server_group_members", gettext_lazy("Server group members")),
        Limit("injected_files", gettext_lazy("Injected files")),
        Limit("injected_file_content_bytes", gettext_lazy("Bytes of an injected file")),
        Limit("injected_file_path_bytes", gettext_lazy("Bytes of an injected file's path")),
    ],
    # nova-network's, which count what the network service counts
    untold=("fixed_ips", "floating_ips", "security_groups", "security_group_rules"),
)

PANELS = (
    Panel(
        name="instances",
        label=gettext_lazy("Instances"),
        icon="server-2",
        group=gettext_lazy("Compute"),
        place=210,
        key="i",
        count=lambda actor: Server.objects.living().filter(project_id=actor.project_id or "").count(),
        search=_search,
        subjects=[Subject("server", "instance", _names, status.VERBS)],
        quotas=[QUOTAS],
        urls=[
            path("instances", listing.Instances.as_view(), name="instances"),
            path("instances/sparks", load.Sparks.as_view(), name="instances-sparks"),
            path("instances/launch", launch.Launch.as_view(), name="launch"),
            *verbs.URLS,
            *dialogs.URLS,
            path("instances/<str:id>", detail.Instance.as_view(), name="instance"),
            path("instances/<str:id>/head", detail.Head.as_view(), name="instance-head"),
            path("instances/<str:id>/console/<str:kind>", consoles.Ticket.as_view(), name="instance-ticket"),
            path("instances/<str:id>/console-window", consoles.Window.as_view(), name="instance-console-window"),
            path("instances/<str:id>/console-links", consoles.Links.as_view(), name="instance-console-links"),
            path(
                "instances/<str:id>/console-links/<str:link>/end",
                consoles.EndLink.as_view(),
                name="instance-console-link-end",
            ),
            path("instances/<str:id>/log/tail", consoles.LogTail.as_view(), name="instance-log-tail"),
            path("instances/<str:id>/load", load.ServerLoad.as_view(), name="instance-load"),
            path("instances/<str:id>/load/<str:port>", load.PortLoad.as_view(), name="instance-port-load"),
            path("instances/<str:id>/<str:tab>", detail.Instance.as_view(), name="instance-tab"),
            path("vnc/ticket", consoles.NextTicket.as_view(), name="vnc-ticket"),
            path("vnc/", consoles.Standalone.as_view(), name="vnc"),
        ],
    ),
    Panel(
        name="all-instances",
        label=gettext_lazy("All instances"),
        icon="stack-2",
        group=gettext_lazy("Administration"),
        place=520,
        rule="admin",
        urls=[path("all-instances", listing.AllInstances.as_view(), name="all-instances")],
    ),
)
