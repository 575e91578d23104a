"""Addresses of the Identity dashboard."""

from typing import Any

from django.urls import path

from portal.identity import (
    appcreds,
    context,
    credentials,
    domains,
    groups,
    mappings,
    project_dialogs,
    projects,
    providers,
    quotas,
    roles,
    user_dialogs,
    users,
)


def _set(address: str, name: str, module: Any, *, dialogs: Any = None, switch: Any = None) -> list[Any]:
    """What most kinds have: create, edit, delete one and several, switch on and off."""
    dialogs = dialogs or module
    found = [
        path(f"{address}/create", dialogs.Create.as_view(), name=f"{name}-create"),
        path(f"{address}/delete", module.DeleteSeveral.as_view(), name=f"{name}s-delete"),
        path(f"{address}/<str:id>/edit", dialogs.Edit.as_view(), name=f"{name}-edit"),
        path(f"{address}/<str:id>/delete", module.Delete.as_view(), name=f"{name}-delete"),
    ]
    if switch is not None:
        found += [
            path(f"{address}/switch/<str:to>", switch.as_view(), name=f"{name}s-switch"),
            path(f"{address}/<str:id>/switch", switch.as_view(), name=f"{name}-switch"),
        ]
    return found


def _page(address: str, name: str, view: Any) -> list[Any]:
    """A thing's page and its tabs; last, because a tab is any word."""
    return [
        path(f"{address}/<str:id>", view.as_view(), name=name),
        path(f"{address}/<str:id>/<str:tab>", view.as_view(), name=f"{name}-tab"),
    ]


_PROTOCOL = "identity-providers/<str:id>/protocols/<str:protocol>"
_OWN = "settings/credentials"

urlpatterns = [
    path("projects", projects.Projects.as_view(), name="projects"),
    *_set("projects", "project", projects, dialogs=project_dialogs),
    path("projects/<str:id>/members", project_dialogs.ProjectMembers.as_view(), name="project-members"),
    path("projects/<str:id>/modify-groups", project_dialogs.ProjectGroups.as_view(), name="project-groups"),
    path("projects/<str:id>/quota", quotas.Quota.as_view(), name="project-quota"),
    path("projects/<str:id>/activate", projects.Activate.as_view(), name="project-activate"),
    *_page("projects", "project", projects.ProjectItem),
    path("users", users.Users.as_view(), name="users"),
    *_set("users", "user", users, dialogs=user_dialogs, switch=users.SwitchUser),
    path("users/<str:id>/password", user_dialogs.SetPassword.as_view(), name="user-password"),
    *_page("users", "user", users.UserItem),
    path("groups", groups.Groups.as_view(), name="groups"),
    *_set("groups", "group", groups),
    path("groups/<str:id>/add", groups.Add.as_view(), name="group-add"),
    path("groups/<str:id>/remove", groups.Remove.as_view(), name="group-remove"),
    path("groups/<str:id>/users/<str:user>", groups.Member.as_view(), name="group-user"),
    *_page("groups", "group", groups.GroupItem),
    path("roles", roles.Roles.as_view(), name="roles"),
    *_set("roles", "role", roles),
    path("roles/<str:id>/menu", roles.RoleMenu.as_view(), name="role-menu"),
    path("roles/<str:id>/implied", roles.Implied.as_view(), name="role-implied"),
    path("domains", domains.Domains.as_view(), name="domains"),
    path("domains/clear-context", context.ClearContext.as_view(), name="domain-clear"),
    *_set("domains", "domain", domains, switch=domains.SwitchDomain),
    path("domains/<str:id>/context", context.SetContext.as_view(), name="domain-context"),
    path("domains/<str:id>/members", project_dialogs.DomainMembers.as_view(), name="domain-members"),
    path("domains/<str:id>/modify-groups", project_dialogs.DomainGroups.as_view(), name="domain-groups"),
    *_page("domains", "domain", domains.DomainItem),
    path("application-credentials", appcreds.AppCreds.as_view(), name="application-credentials"),
    path("application-credentials/create", appcreds.Create.as_view(), name="application-credential-create"),
    path("application-credentials/delete", appcreds.Delete.as_view(), name="application-credentials-delete"),
    path("application-credentials/<str:id>/menu", appcreds.Menu.as_view(), name="application-credential-menu"),
    path("application-credentials/<str:id>/delete", appcreds.Delete.as_view(), name="application-credential-delete"),
    path("credentials", credentials.Credentials.as_view(), name="credentials"),
    *_set("credentials", "credential", credentials),
    path("credentials/<str:id>/menu", credentials.Menu.as_view(), name="credential-menu"),
    path(_OWN, credentials.OwnCredentials.as_view(), name="own-credentials"),
    path(f"{_OWN}/create", credentials.OwnCreate.as_view(), name="own-credential-create"),
    path(f"{_OWN}/delete", credentials.OwnDeleteSeveral.as_view(), name="own-credentials-delete"),
    path(f"{_OWN}/<str:id>/menu", credentials.OwnMenu.as_view(), name="own-credential-menu"),
    path(f"{_OWN}/<str:id>/edit", credentials.OwnEdit.as_view(), name="own-credential-edit"),
    path(f"{_OWN}/<str:id>/delete", credentials.OwnDelete.as_view(), name="own-credential-delete"),
    path("identity-providers", providers.Providers.as_view(), name="identity-providers"),
    *_set("identity-providers", "identity-provider", providers, switch=providers.SwitchProvider),
    path("identity-providers/<str:id>/openid", providers.OpenId.as_view(), name="identity-provider-openid"),
    path("identity-providers/<str:id>/drop", providers.DropClient.as_view(), name="identity-provider-drop"),
    path("identity-providers/<str:id>/protocols/create", providers.CreateProtocol.as_view(), name="protocol-create"),
    path(f"{_PROTOCOL}/menu", providers.ProtocolMenu.as_view(), name="protocol-menu"),
    path(f"{_PROTOCOL}/edit", providers.EditProtocol.as_view(), name="protocol-edit"),
    path(f"{_PROTOCOL}/delete", providers.DeleteProtocol.as_view(), name="protocol-delete"),
    *_page("identity-providers", "identity-provider", providers.ProviderItem),
    path("mappings", mappings.Mappings.as_view(), name="mappings"),
    *_set("mappings", "mapping", mappings),
    path("mappings/<str:id>/try", mappings.Try.as_view(), name="mapping-try"),
    path("mappings/<str:id>", mappings.MappingItem.as_view(), name="mapping"),
]
