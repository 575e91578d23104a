"""Identity's tables, and those of the libraries that it signs people in with: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from collections.abc import Collection
from functools import partial

from audit import registry
from audit.registry import FOLLOWS_OTHERS, Audited, part
from common import keeping
from common.keeping import bounded, by_people, gone_with, periodic_task, purged

_SEC = "data/security"
_USER, _PROJECT, _GRANT = gone_with("identity.User"), gone_with("identity.Project"), by_people("role remove")


def role_of(permission_id: str | int) -> str:
    """Return the name of a role, which assignments know by its permission."""
    from identity.models import Role

    return str(Role.objects.filter(permission_id=permission_id).values_list("name", flat=True).first() or permission_id)


def domains_of(project_ids: Collection[str]) -> dict[str, str]:
    """Project → its domain; of a domain it is itself."""
    from identity.models import Project

    rows = Project.objects.filter(pk__in=project_ids).values_list("id", "domain_id", "is_domain")
    return {id: id if is_domain else domain_id or "" for id, domain_id, is_domain in rows}


_identity = partial(Audited, project="", domain="")
_role = partial(
    part, shown={"permission_id": role_of}, called={"permission_id": "role"}, skip=frozenset({"content_object_id"})
)
_grant = partial(_role, part_of="identity.Project", by="content_object_id", part="role_assignments")

KEEPERS = {
    "auth.Permission": bounded("one a role and one a shareable kind"),
    "auth.Group": bounded("not used: groups are identity's"),
    "auth.Group_permissions": bounded("not used: groups are identity's"),
    "contenttypes.ContentType": bounded("one a model"),
    "sessions.Session": bounded("not used: sessions are identity.PortalSession"),
    "guardian.UserObjectPermission": _USER,
    "guardian.GroupObjectPermission": gone_with("auth.Group"),
    "account.EmailAddress": _USER,
    "account.EmailConfirmation": gone_with("account.EmailAddress"),
    "mfa.Authenticator": _USER,
    "identity.Project": by_people("project delete"),
    "identity.Domain": by_people("domain delete"),
    "identity.ProjectTag": _PROJECT,
    "identity.Role": by_people("role delete"),
    "identity.ImpliedRole": gone_with("identity.Role"),
    "identity.Group": by_people("group delete"),
    "identity.User_groups": _USER,
    "identity.User": by_people("user delete; those of providers: identity.mapped"),
    "identity.OldPassword": purged("passwords"),
    "identity.AccessRule": _USER,
    "identity.ApplicationCredential": _USER,
    "identity.ApplicationCredential_roles": gone_with("identity.ApplicationCredential"),
    "identity.ApplicationCredential_access_rules": gone_with("identity.ApplicationCredential"),
    "identity.System": bounded("one row"),
    "identity.UserProjectRole": _GRANT,
    "identity.GroupProjectRole": _GRANT,
    "identity.UserDomainRole": _GRANT,
    "identity.GroupDomainRole": _GRANT,
    "identity.UserSystemRole": _GRANT,
    "identity.GroupSystemRole": _GRANT,
    "identity.Region": by_people("region delete"),
    "identity.Service": by_people("service delete"),
    "identity.Endpoint": gone_with("identity.Service"),
    "identity.EndpointGroup": by_people("endpoint group delete"),
    "identity.EndpointGroup_projects": gone_with("identity.EndpointGroup"),
    "identity.ProjectEndpoint": _PROJECT,
    "identity.Credential": _USER,
    "identity.DomainOption": _PROJECT,
    "identity.IdentityProvider": by_people("identity provider delete"),
    "identity.RemoteId": gone_with("identity.IdentityProvider"),
    "identity.Mapping": by_people("mapping delete"),
    "identity.Protocol": gone_with("identity.IdentityProvider"),
    "identity.ServiceProvider": by_people("service provider delete"),
    "identity.Client": gone_with("identity.IdentityProvider"),
    "identity.FederatedUser": _USER,
    "identity.MappedMembership": _USER,
    "identity.DirectoryId": _PROJECT,
    "identity.RegisteredLimit": gone_with("identity.Service"),
    "identity.Limit": _PROJECT,
    "identity.QuotaLock": purged("quota_locks"),
    "identity.Consumer": by_people("consumer delete"),
    "identity.RequestToken": gone_with("identity.Consumer"),
    "identity.AccessToken": gone_with("identity.Consumer"),
    "identity.Nonce": bounded("those of the last minutes: each signed request deletes older ones"),
    "identity.Policy": by_people("policy delete"),
    "identity.PolicyAssociation": gone_with("identity.Policy"),
    "identity.Revocation": periodic_task("identity.prune"),
    "identity.Epoch": bounded("one row"),
    "identity.ChangedFact": periodic_task("identity.prune"),
    "identity.PortalSession": periodic_task("identity.prune"),
    "identity.FailedTry": periodic_task("identity.prune"),
    "identity.Trust": _USER,
    "identity.Trust_roles": gone_with("identity.Trust"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "identity.Project": Audited(f"{_SEC}/project", project="id"),
    "identity.ProjectTag": part(part_of="identity.Project", by="project_id", part="tags", value="name"),
    "identity.Role": _identity(f"{_SEC}/role", domain="domain_id", skip=frozenset({"permission_id"})),
    "identity.ImpliedRole": part(part_of="identity.Role", by="prior_id", part="implied_roles", value="implied_id"),
    "identity.Group": _identity(f"{_SEC}/group", domain="domain_id"),
    "identity.User_groups": part(part_of="identity.Group", by="group_id", part="members", value="user_id"),
    "identity.User": _identity(
        f"{_SEC}/account/user",
        domain="domain_id",
        secret=frozenset({"password"}),
        skip=frozenset({"last_login", "settings", "password_changed_at"}),
    ),
    "mfa.Authenticator": part(part_of="identity.User", by="user_id", part="factors", value="type", secret=frozenset({"data"}),
                               skip=frozenset({"data", "last_used_at"})),
    "identity.AccessRule": Audited(f"{_SEC}/credential/access_rule", name="path", own=True),
    "identity.ApplicationCredential": Audited(f"{_SEC}/credential/application", secret=frozenset({"secret"})),
    "identity.ApplicationCredential_roles": part(
        part_of="identity.ApplicationCredential", by="applicationcredential_id", part="roles", value="role_id"
    ),
    "identity.ApplicationCredential_access_rules": part(
        part_of="identity.ApplicationCredential", by="applicationcredential_id", part="access_rules", value="accessrule_id"
    ),
    "identity.System": Audited(f"{_SEC}/system", project="", domain="", name=""),
    "identity.UserProjectRole": _grant(),
    "identity.GroupProjectRole": _grant(),
    "identity.UserDomainRole": _grant(),
    "identity.GroupDomainRole": _grant(),
    "identity.UserSystemRole": _role(part_of="identity.System", by="content_object_id", part="role_assignments"),
    "identity.GroupSystemRole": _role(part_of="identity.System", by="content_object_id", part="role_assignments"),
    "identity.Region": _identity(f"{_SEC}/region", name="id"),
    "identity.Service": _identity(f"{_SEC}/service"),
    "identity.Endpoint": _identity(f"{_SEC}/endpoint", name="interface"),
    "identity.EndpointGroup": _identity(f"{_SEC}/endpoint/group"),
    "identity.EndpointGroup_projects": part(
        part_of="identity.EndpointGroup", by="endpointgroup_id", part="projects", value="project_id"
    ),
    "identity.ProjectEndpoint": Audited(f"{_SEC}/endpoint/project", name="endpoint_id"),
    "identity.Credential": Audited(
        f"{_SEC}/credential", name="type", own=True, secret=frozenset({"encrypted_blob"}), skip=frozenset({"last_step"})
    ),
    "identity.DomainOption": _identity(
        f"{_SEC}/domain/option", name="option", domain="domain_id", secret=frozenset({"value"})
    ),
    "identity.IdentityProvider": _identity(f"{_SEC}/identity", name="id", domain="domain_id"),
    "identity.RemoteId": part(part_of="identity.IdentityProvider", by="provider_id", part="remote_ids", value="id"),
    "identity.Mapping": _identity(f"{_SEC}/identity/mapping", name="id"),
    "identity.Protocol": _identity(f"{_SEC}/identity/protocol", name="id"),
    "identity.ServiceProvider": _identity(f"{_SEC}/identity/service_provider", name="id"),
    "identity.Client": _identity(f"{_SEC}/identity/client", name="label", secret=frozenset({"encrypted_secret"})),
    "identity.RegisteredLimit": _identity(f"{_SEC}/limit/registered", name="resource_name"),
    "identity.Limit": Audited(f"{_SEC}/limit", name=""),
    "identity.Consumer": _identity(f"{_SEC}/account", name="description", secret=frozenset({"secret"})),
    "identity.RequestToken": Audited(f"{_SEC}/credential/oauth1", name="", secret=frozenset({"secret", "verifier"})),
    "identity.AccessToken": Audited(f"{_SEC}/credential/oauth1", name="", secret=frozenset({"secret"})),
    "identity.Policy": _identity(f"{_SEC}/policy", name="type"),
    "identity.PolicyAssociation": part(part_of="identity.Policy", by="policy_id", part="associations"),
    "identity.Trust": Audited(f"{_SEC}/trust", name=""),
    "identity.Trust_roles": part(part_of="identity.Trust", by="trust_id", part="roles", value="role_id"),
}  # fmt: skip

#: Table → why none of its changes is recorded.
NOT_AUDITED = {
    "auth.Group": "nothing of the cloud writes it",
    "auth.Group_permissions": "nothing of the cloud writes it",
    "guardian.UserObjectPermission": "nothing of the cloud writes it",
    "guardian.GroupObjectPermission": "nothing of the cloud writes it",
    "account.EmailAddress": "nothing of the cloud writes it",
    "account.EmailConfirmation": "nothing of the cloud writes it",
    "sessions.Session": "nothing of the cloud writes it",
    "auth.Permission": "one a role or kind of thing, made with it",
    "contenttypes.ContentType": "one a role or kind of thing, made with it",
    "identity.OldPassword": FOLLOWS_OTHERS,
    "identity.FederatedUser": "made by a sign-in, which is recorded",
    "identity.MappedMembership": "a provider's word at a sign-in, which is recorded",
    "identity.DirectoryId": "a directory's people as the cloud met them",
    "identity.QuotaLock": "a lock",
    "identity.Nonce": "one a signed request",
    "identity.Revocation": FOLLOWS_OTHERS,
    "identity.Epoch": "a counter",
    "identity.ChangedFact": FOLLOWS_OTHERS,
    "identity.PortalSession": "sign-ins and sign-outs are recorded, and who ends which session",
    "identity.FailedTry": "failed sign-ins are recorded themselves",
}


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED, NOT_AUDITED)
    registry.use(domains_of)
