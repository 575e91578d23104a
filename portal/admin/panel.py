"""The panels of administration, and of the sizes that administrators make."""

from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from hosts.models import Host
from hosts.states import SILENT
from portal.admin import (
    aggregate_dialogs,
    aggregates,
    flavor_dialogs,
    flavors,
    hosts,
    hypervisors,
    overview,
    providers,
    quotas,
    system,
)
from portal.load import views as load
from portal.ui import Text
from portal.ui.panels import APART, Panel
from portal.usage import views as usage


def _hosts(actor: RequestContext) -> int | tuple[Text, bool]:
    """Count the hosts that are down, else all hosts."""
    down = Host.objects.filter(state__in=SILENT).count()
    return (_("%(count)s down") % {"count": down}, True) if down else Host.objects.count()


PANELS = (
    Panel(
        name="flavors",
        label=gettext_lazy("Flavors"),
        icon="cpu",
        group=gettext_lazy("Compute"),
        place=240,
        without_project=True,
        urls=[
            path("flavors", flavors.Flavors.as_view(), name="flavors"),
            path(f"flavors{APART}/create", flavor_dialogs.CREATE.as_view(), name="flavor-create"),
            path(f"flavors{APART}/delete-several", flavor_dialogs.DELETE.as_view(), name="flavors-delete"),
            path("flavors/<path:id>/access", flavor_dialogs.ACCESS.as_view(), name="flavor-access"),
            path("flavors/<path:id>/metadata", flavor_dialogs.METADATA.as_view(), name="flavor-metadata"),
            path("flavors/<path:id>/edit", flavor_dialogs.EDIT.as_view(), name="flavor-edit"),
            path("flavors/<path:id>/delete", flavor_dialogs.DELETE.as_view(), name="flavor-delete"),
            path("flavors/<path:id>", flavors.FlavorItem.as_view(), name="flavor"),
        ],
    ),
    Panel(
        name="cloud",
        label=gettext_lazy("The cloud"),
        icon="building",
        group=gettext_lazy("Administration"),
        place=505,
        rule="admin",
        urls=[
            path("cloud", overview.Overview.as_view(), name="cloud"),
            path("cloud/usage", usage.EveryProject.as_view(), name="cloud-usage"),
            path("cloud/usage/<str:id>", usage.OtherProject.as_view(), name="cloud-usage-of"),
        ],
    ),
    Panel(
        name="hosts",
        label=gettext_lazy("Hosts"),
        icon="server-cog",
        group=gettext_lazy("Administration"),
        place=510,
        rule="admin",
        key="h",
        count=_hosts,
        urls=[
            path("hosts", hypervisors.Hypervisors.as_view(), name="hosts"),
            path(f"hosts{APART}/compute", hypervisors.ComputeHosts.as_view(), name="compute-hosts"),
            path(f"hosts{APART}/resource-providers", providers.ResourceProviders.as_view(), name="resource-providers"),
            path("hosts/<str:id>", hosts.HostItem.as_view(), name="host"),
            path("hosts/<str:id>/load", load.HostLoad.as_view(), name="host-load"),
            path("hosts/<str:id>/disable", hosts.DISABLE.as_view(), name="host-disable"),
            path("hosts/<str:id>/enable", hosts.ENABLE.as_view(), name="host-enable"),
        ],
    ),
    Panel(
        name="aggregates",
        label=gettext_lazy("Host aggregates"),
        icon="columns-3",
        group=gettext_lazy("Administration"),
        place=515,
        rule=f"{aggregates.RULE}:index",
        urls=[
            path("aggregates", aggregates.Aggregates.as_view(), name="aggregates"),
            path("aggregates/zones", aggregates.Zones.as_view(), name="availability-zones"),
            path("aggregates/create", aggregate_dialogs.CREATE.as_view(), name="aggregate-create"),
            path("aggregates/delete", aggregate_dialogs.DELETE.as_view(), name="aggregates-delete"),
            path("aggregates/<str:id>/hosts", aggregate_dialogs.HOSTS.as_view(), name="aggregate-hosts"),
            path("aggregates/<str:id>/metadata", aggregate_dialogs.METADATA.as_view(), name="aggregate-metadata"),
            path("aggregates/<str:id>/edit", aggregate_dialogs.EDIT.as_view(), name="aggregate-edit"),
            path("aggregates/<str:id>/delete", aggregate_dialogs.DELETE.as_view(), name="aggregate-delete"),
            path("aggregates/<str:id>", aggregates.AggregateItem.as_view(), name="aggregate"),
        ],
    ),
    Panel(
        name="services",
        label=gettext_lazy("System information"),
        icon="heartbeat",
        group=gettext_lazy("Administration"),
        place=530,
        rule="admin",
        urls=[
            path("services", system.Services.as_view(), name="services"),
            path("services/compute", system.ComputeServices.as_view(), name="compute-services"),
            path("services/network", system.NetworkAgents.as_view(), name="network-agents"),
            path("services/network/<str:id>/menu", system.MENU.as_view(), name="system-agent-menu"),
            path("services/network/<str:id>/disable", system.OFF.as_view(), name="system-agent-off"),
            path("services/network/<str:id>/enable", system.ON.as_view(), name="system-agent-on"),
            path("services/processes", system.Processes.as_view(), name="processes"),
        ],
    ),
    Panel(
        name="default-quotas",
        label=gettext_lazy("Default quotas"),
        icon="adjustments",
        group=gettext_lazy("Administration"),
        place=535,
        rule=quotas.READ["compute"],
        urls=[
            path("default-quotas", quotas.DefaultQuotas.as_view(), name="default-quotas"),
            path("default-quotas/<str:id>/edit", quotas.EDIT.as_view(), name="default-quotas-edit"),
        ],
    ),
)
