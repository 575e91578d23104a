"""The panels of instances: the project's, and every project's."""

from django.urls import path
from django.utils.translation import gettext_lazy

from common.prepared import PreparedCount
from compute.servers.models import Server
from portal.load import views as load
from portal.servers import (
    attributes,
    consoles,
    detail,
    dialogs,
    drafts,
    failures,
    interfaces,
    launch,
    listing,
    palette,
    reach,
    snapshots,
    status,
    verbs,
)
from portal.ui.panels import Limit, Panel, Quotas, Subject


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

_servers = PreparedCount(lambda project: Server.objects.living().filter(project_id=project))

PANELS = (
    Panel(
        name="instances",
        label=gettext_lazy("Instances"),
        icon="server-2",
        group=gettext_lazy("Compute"),
        place=210,
        key="i",
        count=lambda actor: _servers(actor.project_id or ""),
        search=palette.search,
        subjects=[Subject("server", "instance", _names, status.VERBS)],
        quotas=[QUOTAS],
        urls=[
            path("instances", listing.Instances.as_view(), name="instances"),
            path("instances/sparks", load.Sparks.as_view(), name="instances-sparks"),
            path("instances/launch", launch.Launch.as_view(), name="launch"),
            *drafts.URLS,
            *verbs.URLS,
            *failures.URLS,
            *reach.URLS,
            *dialogs.URLS,
            *interfaces.URLS,
            *attributes.URLS,
            *snapshots.URLS,
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
        search=palette.elsewhere,
        urls=[path("all-instances", listing.AllInstances.as_view(), name="all-instances")],
    ),
)
