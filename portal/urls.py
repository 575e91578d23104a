"""Every address of the portal."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from identity import sessions
from portal import navigation
from portal.access import views as access
from portal.admin import views as admin
from portal.audit import views as audit
from portal.identity.urls import urlpatterns as identity
from portal.images import views as images
from portal.keypairs import views as keypairs
from portal.networks import floatingips, groups, network_dialogs, networks, routers
from portal.overview import palette
from portal.overview import views as overview
from portal.servers import consoles, detail, launch, listing, verbs
from portal.servers import dialogs as server_dialogs
from portal.session import providers, security, settings, steps
from portal.session import views as session
from portal.sharing import views as sharing


def menu(request: HttpRequest) -> JsonResponse:
    """The panels that the session sees, for scripts; those of nobody when signed out."""
    actor = sessions.actor_from_session(request)
    found = [
        {"panel": panel.name, "label": str(panel.label), "group": str(label), "url": panel.url}
        for label, entries in (navigation.panels(actor) if actor else [])
        for panel in entries
    ]
    return JsonResponse({"panels": found})


urlpatterns = [
    path("sign-in", session.SignIn.as_view(), name="sign-in"),
    path("sign-in/again", steps.Again.as_view(), name="sign-in-again"),
    path("sign-in/state", steps.State.as_view(), name="sign-in-state"),
    path("sign-in/key", steps.KeyOptions.as_view(), name="sign-in-key"),
    path("sign-in/with/<str:provider>/<str:protocol>", providers.With.as_view(), name="sign-in-with"),
    path("sign-in/federated", providers.Back.as_view(), name="sign-in-federated"),
    path("sign-in/done", providers.Done.as_view(), name="sign-in-done"),
    path("sign-out", session.SignOut.as_view(), name="sign-out"),
    path("language", session.Language.as_view(), name="language"),
    path("project", session.SwitchProject.as_view(), name="switch-project"),
    path("settings", settings.Settings.as_view(), name="settings"),
    path("settings/security", security.Security.as_view(), name="security"),
    path("settings/security/app", security.SetUpApp.as_view(), name="security-app"),
    path("settings/security/app/remove", security.RemoveApp.as_view(), name="security-app-remove"),
    path("settings/security/keys/add", security.AddKey.as_view(), name="security-key-add"),
    path("settings/security/keys/options", security.AddKeyOptions.as_view(), name="security-key-options"),
    path("settings/security/keys/<str:id>/remove", security.RemoveKey.as_view(), name="security-key-remove"),
    path("settings/security/codes", security.NewCodes.as_view(), name="security-codes"),
    path("settings/security/strict", security.Strict.as_view(), name="security-strict"),
    path("settings/security/sessions/others", security.EndOthers.as_view(), name="security-others"),
    path("settings/security/sessions/everywhere", security.Everywhere.as_view(), name="security-everywhere"),
    path("settings/security/sessions/<str:id>/end", security.EndSession.as_view(), name="security-session-end"),
    path("settings/password", settings.Password.as_view(), name="password"),
    path("settings/region", settings.Region.as_view(), name="region"),
    path("columns", settings.Columns.as_view(), name="columns"),
    path("domain", settings.SwitchDomain.as_view(), name="switch-domain"),
    path("menu.json", menu, name="menu"),
    path("", overview.Overview.as_view(), name="overview"),
    path("activity", overview.Activity.as_view(), name="activity"),
    path("notices", overview.Notices.as_view(), name="notices"),
    path("audit", audit.Events.as_view(), name="audit"),
    path("audit/<str:id>", audit.EventItem.as_view(), name="audit-event"),
    path("requests/<str:request_id>", overview.Request.as_view(), name="request"),
    path("find", palette.Find.as_view(), name="find"),
    # Instances
    path("instances", listing.Instances.as_view(), name="instances"),
    path("instances/launch", launch.Launch.as_view(), name="launch"),
    path("instances/delete", server_dialogs.Delete.as_view(), name="instances-delete"),
    path("instances/bulk/<str:verb>", verbs.Bulk.as_view(), name="instances-bulk"),
    path("instances/<str:id>", detail.Instance.as_view(), name="instance"),
    path("instances/<str:id>/head", detail.Head.as_view(), name="instance-head"),
    path("instances/<str:id>/do/<str:verb>", verbs.Do.as_view(), name="instance-do"),
    path("instances/<str:id>/snapshot", server_dialogs.Snapshot.as_view(), name="instance-snapshot"),
    path("instances/<str:id>/edit", server_dialogs.Edit.as_view(), name="instance-edit"),
    path("instances/<str:id>/resize", server_dialogs.Resize.as_view(), name="instance-resize"),
    path("instances/<str:id>/rebuild", server_dialogs.Rebuild.as_view(), name="instance-rebuild"),
    path("instances/<str:id>/delete", server_dialogs.Delete.as_view(), name="instance-delete"),
    path("instances/<str:id>/floating-ip", server_dialogs.AddFloatingIP.as_view(), name="instance-floating-ip"),
    path("instances/<str:id>/groups", server_dialogs.Groups.as_view(), name="instance-groups"),
    path("instances/<str:id>/interfaces/attach", server_dialogs.Attach.as_view(), name="instance-attach"),
    path("instances/<str:id>/interfaces/<str:port>/detach", server_dialogs.Detach.as_view(), name="instance-detach"),
    path("instances/<str:id>/console/<str:kind>", consoles.Ticket.as_view(), name="instance-ticket"),
    path("instances/<str:id>/console-window", consoles.Window.as_view(), name="instance-console-window"),
    path("instances/<str:id>/console-links", consoles.Links.as_view(), name="instance-console-links"),
    path(
        "instances/<str:id>/console-links/<str:link>/end", consoles.EndLink.as_view(), name="instance-console-link-end"
    ),
    path("instances/<str:id>/log/tail", consoles.LogTail.as_view(), name="instance-log-tail"),
    path("instances/<str:id>/<str:tab>", detail.Instance.as_view(), name="instance-tab"),
    path("vnc/ticket", consoles.NextTicket.as_view(), name="vnc-ticket"),
    path("vnc/", consoles.Standalone.as_view(), name="vnc"),
    # One of either, shared
    path("share/<str:kind>/<str:id>", sharing.Share.as_view(), name="share"),
    path("share/<str:kind>/<str:id>/give-up", sharing.GiveUp.as_view(), name="share-give-up"),
    path("share/<str:kind>/<str:id>/<str:share>/withdraw", sharing.Withdraw.as_view(), name="share-withdraw"),
    # Images
    path("images", images.Images.as_view(), name="images"),
    path("images/create", images.Create.as_view(), name="image-create"),
    path("images/<str:id>", images.ImageItem.as_view(), name="image"),
    path("images/<str:id>/upload", images.Upload.as_view(), name="image-upload"),
    path("images/<str:id>/edit", images.Edit.as_view(), name="image-edit"),
    path("images/<str:id>/delete", images.Delete.as_view(), name="image-delete"),
    path("images/<str:id>/switch/<str:verb>", images.Switch.as_view(), name="image-switch"),
    # Key pairs
    path("key-pairs", keypairs.KeyPairs.as_view(), name="key-pairs"),
    path("key-pairs/create", keypairs.Create.as_view(), name="key-pair-create"),
    path("key-pairs/<path:id>/delete", keypairs.Delete.as_view(), name="key-pair-delete"),
    path("key-pairs/<path:id>", keypairs.KeyPairItem.as_view(), name="key-pair"),
    # Networks
    path("networks", networks.Networks.as_view(), name="networks"),
    path("networks/create", network_dialogs.Create.as_view(), name="network-create"),
    path("networks/<str:id>", networks.NetworkItem.as_view(), name="network"),
    path("networks/<str:id>/edit", network_dialogs.Edit.as_view(), name="network-edit"),
    path("networks/<str:id>/delete", network_dialogs.Delete.as_view(), name="network-delete"),
    path("networks/<str:id>/subnets/create", network_dialogs.CreateSubnet.as_view(), name="subnet-create"),
    path("networks/<str:id>/subnets/<str:subnet>/menu", network_dialogs.SubnetMenu.as_view(), name="subnet-menu"),
    path("networks/<str:id>/subnets/<str:subnet>/edit", network_dialogs.EditSubnet.as_view(), name="subnet-edit"),
    path("networks/<str:id>/subnets/<str:subnet>/delete", network_dialogs.DeleteSubnet.as_view(), name="subnet-delete"),
    path("networks/<str:id>/ports/create", network_dialogs.CreatePort.as_view(), name="port-create"),
    path("networks/<str:id>/ports/<str:port>/menu", network_dialogs.PortMenu.as_view(), name="port-menu"),
    path("networks/<str:id>/ports/<str:port>/delete", network_dialogs.DeletePort.as_view(), name="port-delete"),
    path("routers", routers.Routers.as_view(), name="routers"),
    path("routers/create", routers.Create.as_view(), name="router-create"),
    path("routers/<str:id>", routers.RouterItem.as_view(), name="router"),
    path("routers/<str:id>/edit", routers.Edit.as_view(), name="router-edit"),
    path("routers/<str:id>/gateway", routers.Gateway.as_view(), name="router-gateway"),
    path("routers/<str:id>/clear-gateway", routers.ClearGateway.as_view(), name="router-clear"),
    path("routers/<str:id>/delete", routers.Delete.as_view(), name="router-delete"),
    path("routers/<str:id>/interfaces/add", routers.AddInterface.as_view(), name="router-interface"),
    path("routers/<str:id>/interfaces/<str:port>/menu", routers.InterfaceMenu.as_view(), name="router-interface-menu"),
    path(
        "routers/<str:id>/interfaces/<str:port>/delete",
        routers.RemoveInterface.as_view(),
        name="router-interface-delete",
    ),
    path("floating-ips", floatingips.FloatingIPs.as_view(), name="floating-ips"),
    path("floating-ips/create", floatingips.Allocate.as_view(), name="floating-ip-create"),
    path("floating-ips/<str:id>", floatingips.FloatingItem.as_view(), name="floating-ip"),
    path("floating-ips/<str:id>/associate", floatingips.Associate.as_view(), name="floating-ip-associate"),
    path("floating-ips/<str:id>/disassociate", floatingips.Disassociate.as_view(), name="floating-ip-disassociate"),
    path("floating-ips/<str:id>/delete", floatingips.Release.as_view(), name="floating-ip-delete"),
    path("security-groups", groups.SecurityGroups.as_view(), name="security-groups"),
    path("security-groups/create", groups.Create.as_view(), name="security-group-create"),
    path("security-groups/<str:id>", groups.GroupItem.as_view(), name="security-group"),
    path("security-groups/<str:id>/edit", groups.Edit.as_view(), name="security-group-edit"),
    path("security-groups/<str:id>/delete", groups.Delete.as_view(), name="security-group-delete"),
    path("security-groups/<str:id>/rules/create", groups.AddRule.as_view(), name="rule-create"),
    path("security-groups/<str:id>/rules/<str:rule>/menu", groups.RuleMenu.as_view(), name="rule-menu"),
    path("security-groups/<str:id>/rules/<str:rule>/delete", groups.DeleteRule.as_view(), name="rule-delete"),
    # Access
    path("api-access", access.ApiAccess.as_view(), name="api-access"),
    path("api-access/clouds.yaml", access.File.as_view(name="clouds.yaml"), name="clouds-yaml"),
    path("api-access/openrc.sh", access.File.as_view(name="openrc.sh"), name="openrc"),
    # Administration
    path("hosts", admin.Hosts.as_view(), name="hosts"),
    path("hosts/<str:id>", admin.HostItem.as_view(), name="host"),
    path("hosts/<str:id>/disable", admin.Disable.as_view(), name="host-disable"),
    path("hosts/<str:id>/enable", admin.Enable.as_view(), name="host-enable"),
    path("services", admin.Services.as_view(), name="services"),
    path("all-instances", listing.AllInstances.as_view(), name="all-instances"),
    path("flavors", admin.Flavors.as_view(), name="flavors"),
    path("flavors/create", admin.CreateFlavor.as_view(), name="flavor-create"),
    path("flavors/<path:id>/menu", admin.FlavorMenu.as_view(), name="flavor-menu"),
    path("flavors/<path:id>/delete", admin.DeleteFlavor.as_view(), name="flavor-delete"),
    # Identity
    *identity,
]
