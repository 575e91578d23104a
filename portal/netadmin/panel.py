"""The panels of every project's networks, routers and floating IPs, and of RBAC policies."""

from django.urls import path
from django.utils.translation import gettext_lazy

from networking.networks.models import NetworkGrant
from portal.netadmin import everywhere, rbac
from portal.ui.panels import Panel

GROUP = gettext_lazy("Administration")

PANELS = (
    Panel(
        name="all-networks",
        label=gettext_lazy("All networks"),
        icon="network",
        group=GROUP,
        place=541,
        rule="admin",
        urls=[
            path("all-networks", everywhere.AllNetworks.as_view(), name="all-networks"),
            path("all-networks/create", everywhere.CREATE_NETWORK.as_view(), name="all-network-create"),
        ],
    ),
    Panel(
        name="all-routers",
        label=gettext_lazy("All routers"),
        icon="route",
        group=GROUP,
        place=542,
        rule="admin",
        urls=[
            path("all-routers", everywhere.AllRouters.as_view(), name="all-routers"),
            path("all-routers/create", everywhere.CREATE_ROUTER.as_view(), name="all-router-create"),
        ],
    ),
    Panel(
        name="all-floating-ips",
        label=gettext_lazy("All floating IPs"),
        icon="world-pin",
        group=GROUP,
        place=543,
        rule="admin",
        urls=[
            path("all-floating-ips", everywhere.AllFloatingIPs.as_view(), name="all-floating-ips"),
            path("all-floating-ips/create", everywhere.ALLOCATE.as_view(), name="all-floating-ip-create"),
        ],
    ),
    Panel(
        name="rbac-policies",
        label=gettext_lazy("RBAC policies"),
        icon="users-group",
        group=GROUP,
        place=544,
        rule="admin",
        count=lambda actor: NetworkGrant.objects.count(),
        urls=[
            path("rbac-policies", rbac.Policies.as_view(), name="rbac-policies"),
            path("rbac-policies/create", rbac.CREATE.as_view(), name="rbac-create"),
            path("rbac-policies/delete", rbac.DELETE.as_view(), name="rbac-delete-all"),
            path("rbac-policies/<str:id>/menu", rbac.MENU.as_view(), name="rbac-menu"),
            path("rbac-policies/<str:id>/edit", rbac.EDIT.as_view(), name="rbac-edit"),
            path("rbac-policies/<str:id>/delete", rbac.DELETE.as_view(), name="rbac-delete"),
        ],
    ),
)
