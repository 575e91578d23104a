"""Every route of /api/identity/: Keystone's v3 API."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path

from identity.appcreds import api as appcreds
from identity.assignments import api as assignments
from identity.auth import api as auth
from identity.catalogs import api as catalogs
from identity.catalogs import filters_api as ep_filter
from identity.credentials import api as credentials
from identity.credentials import ec2_api as ec2
from identity.domains import api as domains
from identity.federation import api as federation
from identity.federation import signin_api as federated
from identity.groups import api as groups
from identity.limits import api as limits
from identity.oauth1 import api as oauth1
from identity.policy_documents import api as policies
from identity.projects import api as projects
from identity.revocation import api as revocation
from identity.roles import api as roles
from identity.trusts import api as trusts
from identity.users import api as users


def route(address: str, view: Any, **init: Any) -> URLPattern:
    """Return a route that takes a trailing slash too; `init` sets attributes of the view."""
    made: URLPattern = path(address, view.as_view(**init))
    return made


def pair(name: str, many: object, one: object) -> list[URLPattern]:
    """List a collection and its items."""
    return [route(name, many), route(f"{name}/<str:id>", one)]


def below_v3(routes: list[URLPattern]) -> list[URLResolver]:
    """List the routes of the API's version, each with and without a slash at its end."""
    return [
        path("v3/", include(routes)),
        path("v3/", include([path(f"{one.pattern}/", one.callback) for one in routes])),
    ]


def grants() -> list[URLPattern]:
    """Grants on projects, domains and the system, of users and groups; inherited ones under OS-INHERIT."""
    found = []
    for subject in ("user", "group"):
        tail = f"{subject}s/<str:{subject}>/roles"
        kind = {"subject": subject}
        found += [
            route(f"system/{tail}", assignments.GrantList, on="system", **kind),
            route(f"system/{tail}/<str:role>", assignments.GrantItem, on="system", **kind),
        ]
        for on in ("project", "domain"):
            where, kind = f"{on}s/<str:{on}>/{tail}", {"subject": subject, "on": on}
            inherited = f"OS-INHERIT/{where}"
            end = "inherited_to_projects"
            found += [
                route(where, assignments.GrantList, **kind),
                route(f"{where}/<str:role>", assignments.GrantItem, **kind),
                route(f"{inherited}/{end}", assignments.GrantList, inherited=True, **kind),
                route(f"{inherited}/<str:role>/{end}", assignments.GrantItem, inherited=True, **kind),
            ]
    return found


_auth = [
    route("auth/tokens", auth.Tokens),
    route("auth/catalog", auth.Catalog),
    route("auth/projects", auth.AuthProjects),
    route("auth/domains", auth.AuthDomains),
    route("auth/system", auth.AuthSystem),
    route("OS-FEDERATION/projects", auth.AuthProjects),
    route("OS-FEDERATION/domains", auth.AuthDomains),
    route("OS-REVOKE/events", revocation.Events),
    route("ec2tokens", ec2.Ec2Tokens),
    route("s3tokens", ec2.S3Tokens),
]
_people = [
    *pair("users", users.UserList, users.UserItem),
    route("users/<str:user_id>/password", users.UserPassword),
    route("users/<str:user_id>/groups", users.UserGroups),
    route("users/<str:user_id>/projects", users.UserProjects),
    *pair("groups", groups.GroupList, groups.GroupItem),
    route("groups/<str:group_id>/users", groups.GroupMembers),
    route("groups/<str:group_id>/users/<str:user_id>", groups.GroupMember),
    route("users/<str:user_id>/application_credentials", appcreds.AppCredList),
    route("users/<str:user_id>/application_credentials/<str:id>", appcreds.AppCredItem),
    route("users/<str:user_id>/access_rules", appcreds.RuleList),
    route("users/<str:user_id>/access_rules/<str:id>", appcreds.RuleItem),
    *pair("credentials", credentials.CredentialList, credentials.CredentialItem),
    route("users/<str:user_id>/credentials/OS-EC2", credentials.Ec2List),
    route("users/<str:user_id>/credentials/OS-EC2/<str:access>", credentials.Ec2Item),
    route("users/<str:user_id>/OS-OAUTH1/access_tokens", oauth1.UserAccessTokens),
    route("users/<str:user_id>/OS-OAUTH1/access_tokens/<str:id>", oauth1.UserAccessToken),
    route("users/<str:user_id>/OS-OAUTH1/access_tokens/<str:id>/roles", oauth1.AccessRoles),
    route("users/<str:user_id>/OS-OAUTH1/access_tokens/<str:id>/roles/<str:role_id>", oauth1.AccessRole),
]
_places = [
    *pair("projects", projects.ProjectList, projects.ProjectItem),
    route("projects/<str:project_id>/tags", projects.ProjectTags),
    route("projects/<str:project_id>/tags/<str:tag>", projects.ProjectTag),
    route("domains/config/default", domains.DefaultConfig),
    route("domains/config/<str:group>/default", domains.DefaultConfig),
    route("domains/config/<str:group>/<str:option>/default", domains.DefaultConfig),
    *pair("domains", domains.DomainList, domains.DomainItem),
    route("domains/<str:domain_id>/config", domains.DomainConfig),
    route("domains/<str:domain_id>/config/<str:group>", domains.DomainConfigPart),
    route("domains/<str:domain_id>/config/<str:group>/<str:option>", domains.DomainConfigPart),
]
_roles = [
    *pair("roles", roles.RoleList, roles.RoleItem),
    route("roles/<str:id>/implies", roles.ImpliedList),
    route("roles/<str:id>/implies/<str:implied_id>", roles.ImpliedItem),
    route("role_inferences", roles.Inferences),
    route("role_assignments", assignments.AssignmentList),
    *grants(),
]
_filter_base = "OS-EP-FILTER/"
_catalog = [
    *pair("regions", catalogs.RegionList, catalogs.RegionItem),
    *pair("services", catalogs.ServiceList, catalogs.ServiceItem),
    *pair("endpoints", catalogs.EndpointList, catalogs.EndpointItem),
    *pair(f"{_filter_base}endpoint_groups", ep_filter.GroupList, ep_filter.GroupItem),
    route(f"{_filter_base}endpoint_groups/<str:id>/endpoints", ep_filter.GroupEndpoints),
    route(f"{_filter_base}endpoint_groups/<str:id>/projects", ep_filter.GroupProjects),
    route(f"{_filter_base}endpoint_groups/<str:id>/projects/<str:project_id>", ep_filter.GroupProjectItem),
    route(f"{_filter_base}projects/<str:project_id>/endpoints", ep_filter.ProjectEndpoints),
    route(f"{_filter_base}projects/<str:project_id>/endpoints/<str:endpoint_id>", ep_filter.ProjectEndpointItem),
    route(f"{_filter_base}projects/<str:project_id>/endpoint_groups", ep_filter.ProjectGroups),
    route(f"{_filter_base}endpoints/<str:endpoint_id>/projects", ep_filter.EndpointProjects),
]
_on_policy = "policies/<str:id>/OS-ENDPOINT-POLICY/"
_policies = [
    *pair("policies", policies.PolicyList, policies.PolicyItem),
    route(f"{_on_policy}endpoints", policies.PolicyEndpoints),
    route(f"{_on_policy}endpoints/<str:endpoint>", policies.Association),
    route(f"{_on_policy}services/<str:service>", policies.Association),
    route(f"{_on_policy}services/<str:service>/regions/<str:region>", policies.Association),
    route("endpoints/<str:endpoint_id>/OS-ENDPOINT-POLICY/policy", policies.EndpointPolicy),
]
_delegation = [
    *pair("OS-TRUST/trusts", trusts.TrustList, trusts.TrustItem),
    route("OS-TRUST/trusts/<str:id>/roles", trusts.TrustRoles),
    route("OS-TRUST/trusts/<str:id>/roles/<str:role_id>", trusts.TrustRole),
    *pair("OS-OAUTH1/consumers", oauth1.ConsumerList, oauth1.ConsumerItem),
    route("OS-OAUTH1/request_token", oauth1.RequestTokens),
    route("OS-OAUTH1/access_token", oauth1.AccessTokens),
    route("OS-OAUTH1/authorize/<str:id>", oauth1.Authorize),
]
_limits = [
    *pair("registered_limits", limits.RegisteredLimitList, limits.RegisteredLimitItem),
    route("limits/model", limits.LimitModel),
    *pair("limits", limits.LimitList, limits.LimitItem),
]
_protocols = "OS-FEDERATION/identity_providers/<str:provider_id>/protocols"
_federation = [
    *pair("OS-FEDERATION/identity_providers", federation.ProviderList, federation.ProviderItem),
    route(_protocols, federation.ProtocolList),
    route(f"{_protocols}/<str:id>", federation.ProtocolItem),
    route(f"{_protocols}/<str:protocol_id>/auth", federated.ProtocolAuth),
    route("auth/OS-FEDERATION/websso/<str:protocol_id>", federated.WebSso),
    route(f"auth/{_protocols}/<str:protocol_id>/websso", federated.WebSso),
    *pair("OS-FEDERATION/mappings", federation.MappingList, federation.MappingItem),
    *pair("OS-FEDERATION/service_providers", federation.ServiceProviderList, federation.ServiceProviderItem),
]
_v3 = [*_auth, *_people, *_places, *_roles, *_catalog, *_policies, *_delegation, *_limits, *_federation]

urlpatterns = [
    path("", auth.Versions.as_view()),
    path("v3", auth.Version.as_view()),
    path("v3/", auth.Version.as_view()),
    *below_v3(_v3),
]
