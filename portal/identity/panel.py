"""The panels of identity: projects, people, roles, domains, secrets and federation."""

from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from identity.domains.services import DOMAINS
from identity.federation.services import PROVIDERS
from identity.resource import Resource
from identity.users.services import USERS
from portal.identity import (
    appcreds,
    context,
    credentials,
    domains,
    groups,
    mappings,
    oidc_clients,
    project_dialogs,
    projects,
    protocols,
    providers,
    quotas,
    roles,
    user_dialogs,
    users,
)
from portal.identity.bulk import Switch
from portal.ui.calls import by_method
from portal.ui.panels import APART, Panel

GROUP = gettext_lazy("Identity")
_PROTOCOL = "identity-providers/<str:id>/protocols/<str:protocol>"
_OWN = "settings/credentials"


def _kind(address: str, name: str, module: Any, *, dialogs: Any = None, apart: str = "") -> list[URLPattern]:
    """Routes of every kind: create, edit, delete one or in bulk. `apart`: `panels.APART` where people choose the ids."""
    dialogs = dialogs or module
    return [
        path(f"{address}{apart}/create", dialogs.CREATE.as_view(), name=f"{name}-create"),
        path(f"{address}{apart}/delete{'-several' * bool(apart)}", module.DELETE.as_view(), name=f"{name}s-delete"),
        path(f"{address}/<str:id>/edit", dialogs.EDIT.as_view(), name=f"{name}-edit"),
        path(f"{address}/<str:id>/delete", module.DELETE.as_view(), name=f"{name}-delete"),
    ]


def _switch(address: str, name: str, kind: Resource[Any], *, apart: str = "") -> list[URLPattern]:
    """The routes that enable or disable: one (toggled), or many in bulk."""
    view = Switch.as_view(panel=address, kind=kind, route=address)
    return [
        path(f"{address}{apart}/switch/<str:to>", view, name=f"{name}s-switch"),
        path(f"{address}/<str:id>/switch", view, name=f"{name}-switch"),
    ]


def _page(address: str, name: str, view: Any) -> list[URLPattern]:
    """A thing's page and its tabs; last, because a tab is any word."""
    return [
        path(f"{address}/<str:id>", view.as_view(), name=name),
        path(f"{address}/<str:id>/<str:tab>", view.as_view(), name=f"{name}-tab"),
    ]


PANELS = (
    Panel(
        name="application-credentials",
        label=gettext_lazy("Application credentials"),
        icon="fingerprint",
        group=gettext_lazy("Access"),
        place=420,
        urls=[
            path("application-credentials", appcreds.AppCreds.as_view(), name="application-credentials"),
            path("application-credentials/create", appcreds.CREATE.as_view(), name="application-credential-create"),
            path("application-credentials/delete", appcreds.DELETE.as_view(), name="application-credentials-delete"),
            path("application-credentials/<str:id>/menu", appcreds.MENU.as_view(), name="application-credential-menu"),
            path(
                "application-credentials/<str:id>/delete",
                appcreds.DELETE.as_view(),
                name="application-credential-delete",
            ),
        ],
    ),
    Panel(
        name="projects",
        label=gettext_lazy("Projects"),
        icon="users-group",
        group=GROUP,
        place=610,
        rule="identity:list_projects",
        key="p",
        urls=[
            path("projects", projects.Projects.as_view(), name="projects"),
            *_kind("projects", "project", projects, dialogs=project_dialogs),
            path("projects/<str:id>/members", project_dialogs.PROJECT_MEMBERS.as_view(), name="project-members"),
            path("projects/<str:id>/modify-groups", project_dialogs.PROJECT_GROUPS.as_view(), name="project-groups"),
            path("projects/<str:id>/quota", quotas.QUOTA.as_view(), name="project-quota"),
            path("projects/<str:id>/activate", projects.ACTIVATE.as_view(), name="project-activate"),
            *_page("projects", "project", projects.ProjectItem),
        ],
    ),
    Panel(
        name="users",
        label=gettext_lazy("Users"),
        icon="user",
        group=GROUP,
        place=620,
        rule="identity:list_users",
        key="u",
        urls=[
            path("users", users.Users.as_view(), name="users"),
            *_kind("users", "user", users, dialogs=user_dialogs),
            *_switch("users", "user", USERS),
            path("users/<str:id>/password", user_dialogs.SET_PASSWORD.as_view(), name="user-password"),
            *_page("users", "user", users.UserItem),
        ],
    ),
    Panel(
        name="groups",
        label=gettext_lazy("Groups"),
        icon="users",
        group=GROUP,
        place=630,
        rule="identity:list_groups",
        urls=[
            path("groups", groups.Groups.as_view(), name="groups"),
            *_kind("groups", "group", groups),
            path("groups/<str:id>/add", groups.ADD.as_view(), name="group-add"),
            path("groups/<str:id>/remove", groups.REMOVE.as_view(), name="group-remove"),
            path(
                "groups/<str:id>/users/<str:user>",
                by_method(get=groups.MEMBER_MENU.as_view(), post=groups.REMOVE_MEMBER.as_view()),
                name="group-user",
            ),
            *_page("groups", "group", groups.GroupItem),
        ],
    ),
    Panel(
        name="roles",
        label=gettext_lazy("Roles"),
        icon="id-badge-2",
        group=GROUP,
        place=640,
        rule="identity:list_roles",
        urls=[
            path("roles", roles.Roles.as_view(), name="roles"),
            *_kind("roles", "role", roles),
            path("roles/<str:id>/menu", roles.MENU.as_view(), name="role-menu"),
            path("roles/<str:id>/implied", roles.IMPLIED.as_view(), name="role-implied"),
        ],
    ),
    Panel(
        name="domains",
        label=gettext_lazy("Domains"),
        icon="building",
        group=GROUP,
        place=650,
        rule="identity:list_domains",
        urls=[
            path("domains", domains.Domains.as_view(), name="domains"),
            path("domains/clear-context", context.CLEAR_CONTEXT.as_view(), name="domain-clear"),
            *_kind("domains", "domain", domains),
            *_switch("domains", "domain", DOMAINS),
            path("domains/<str:id>/context", context.SET_CONTEXT.as_view(), name="domain-context"),
            path("domains/<str:id>/members", project_dialogs.DOMAIN_MEMBERS.as_view(), name="domain-members"),
            path("domains/<str:id>/modify-groups", project_dialogs.DOMAIN_GROUPS.as_view(), name="domain-groups"),
            *_page("domains", "domain", domains.DomainItem),
        ],
    ),
    Panel(
        name="credentials",
        label=gettext_lazy("Credentials"),
        icon="lock",
        group=GROUP,
        place=660,
        rule="identity:list_credentials",
        urls=[
            path("credentials", credentials.Credentials.as_view(), name="credentials"),
            *_kind("credentials", "credential", credentials),
            path("credentials/<str:id>/menu", credentials.MENU.as_view(), name="credential-menu"),
            path(_OWN, credentials.OwnCredentials.as_view(), name="own-credentials"),
            path(f"{_OWN}/create", credentials.OWN_CREATE.as_view(), name="own-credential-create"),
            path(f"{_OWN}/delete", credentials.OWN_DELETE.as_view(), name="own-credentials-delete"),
            path(f"{_OWN}/<str:id>/menu", credentials.OWN_MENU.as_view(), name="own-credential-menu"),
            path(f"{_OWN}/<str:id>/edit", credentials.OWN_EDIT.as_view(), name="own-credential-edit"),
            path(f"{_OWN}/<str:id>/delete", credentials.OWN_DELETE.as_view(), name="own-credential-delete"),
        ],
    ),
    Panel(
        name="identity-providers",
        label=gettext_lazy("Identity providers"),
        icon="login-2",
        group=GROUP,
        place=670,
        rule="identity:list_identity_providers",
        urls=[
            path("identity-providers", providers.Providers.as_view(), name="identity-providers"),
            *_kind("identity-providers", "identity-provider", providers, apart=APART),
            *_switch("identity-providers", "identity-provider", PROVIDERS, apart=APART),
            path("identity-providers/<str:id>/openid", oidc_clients.OPENID.as_view(), name="identity-provider-openid"),
            path("identity-providers/<str:id>/drop", oidc_clients.DROP.as_view(), name="identity-provider-drop"),
            path("identity-providers/<str:id>/protocols/create", protocols.CREATE.as_view(), name="protocol-create"),
            path(f"{_PROTOCOL}/menu", protocols.MENU.as_view(), name="protocol-menu"),
            path(f"{_PROTOCOL}/edit", protocols.EDIT.as_view(), name="protocol-edit"),
            path(f"{_PROTOCOL}/delete", protocols.DELETE.as_view(), name="protocol-delete"),
            *_page("identity-providers", "identity-provider", providers.ProviderItem),
        ],
    ),
    Panel(
        name="mappings",
        label=gettext_lazy("Mappings"),
        icon="arrows-shuffle",
        group=GROUP,
        place=680,
        rule="identity:list_mappings",
        urls=[
            path("mappings", mappings.Mappings.as_view(), name="mappings"),
            *_kind("mappings", "mapping", mappings, apart=APART),
            path("mappings/<str:id>/try", mappings.Try.as_view(), name="mapping-try"),
            path("mappings/<str:id>", mappings.MappingItem.as_view(), name="mapping"),
        ],
    ),
)
