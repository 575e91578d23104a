"""What is recorded of changes of each table, or why nothing is. A test holds this against the models: a new one needs its line.

Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
"""

from collections.abc import Collection
from functools import partial
from typing import Any, Final

from audit.registry import Audited

_SEC, _NET, _COM = "data/security", "service/network", "service/compute"
_IMG, _PLC = "service/storage/image", "service/placement"
_FOLLOWS = "it follows from changes that are recorded"


def role_of(permission_id: Any) -> str:
    """The name of a role, which assignments know by its permission."""
    from identity.models import Role

    return str(Role.objects.filter(permission_id=permission_id).values_list("name", flat=True).first() or permission_id)


def level_of(permission_id: Any) -> str:
    from django.contrib.auth.models import Permission

    return str(Permission.objects.filter(pk=permission_id).values_list("codename", flat=True).first() or permission_id)


def domains_of(project_ids: Collection[str]) -> dict[str, str]:
    """Project → its domain; of a domain it is itself."""
    from identity.models import Project

    rows = Project.objects.filter(pk__in=project_ids).values_list("id", "domain_id", "is_domain")
    return {id: id if is_domain else domain_id or "" for id, domain_id, is_domain in rows}


_part = partial(Audited, "", project="", domain="", name="")
_identity = partial(Audited, project="", domain="")
_role = partial(
    _part, shown={"permission_id": role_of}, called={"permission_id": "role"}, skip=frozenset({"content_object_id"})
)
_grant = partial(_role, part_of="identity.Project", by="content_object_id", part="role_assignments")
_share = partial(
    Audited, f"{_SEC}/share", name="", own=True, skip=frozenset({"key"}), shown={"permission_id": level_of},
    called={"permission_id": "level"},
)  # fmt: skip
_SERVER = frozenset(
    {
        *("image_meta", "readable_images", "flavor", "fault_code", "fault_data", "fault_at", "power_state", "progress"),
        *("leased_at", "metadata_at", "login_at", "local_disks", "before_resize", "task_state", "host", "launched_at"),
    }
)

AUDITED: Final[dict[str, Audited]] = {
    "operations.Operation": Audited("", is_operation=True),
    # Identity
    "identity.Project": Audited(f"{_SEC}/project", project="id"),
    "identity.ProjectTag": _part(part_of="identity.Project", by="project_id", part="tags", value="name"),
    "identity.Role": _identity(f"{_SEC}/role", domain="domain_id", skip=frozenset({"permission_id"})),
    "identity.ImpliedRole": _part(part_of="identity.Role", by="prior_id", part="implied_roles", value="implied_id"),
    "identity.Group": _identity(f"{_SEC}/group", domain="domain_id"),
    "identity.User_groups": _part(part_of="identity.Group", by="group_id", part="members", value="user_id"),
    "identity.User": _identity(
        f"{_SEC}/account/user",
        domain="domain_id",
        secret=frozenset({"password"}),
        skip=frozenset({"last_login", "settings", "password_changed_at"}),
    ),
    "mfa.Authenticator": _part(part_of="identity.User", by="user_id", part="factors", value="type", secret=frozenset({"data"}),
                               skip=frozenset({"data", "last_used_at"})),
    "identity.AccessRule": Audited(f"{_SEC}/credential/access_rule", name="path", own=True),
    "identity.ApplicationCredential": Audited(f"{_SEC}/credential/application", secret=frozenset({"secret"})),
    "identity.ApplicationCredential_roles": _part(
        part_of="identity.ApplicationCredential", by="applicationcredential_id", part="roles", value="role_id"
    ),
    "identity.ApplicationCredential_access_rules": _part(
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
    "identity.EndpointGroup_projects": _part(
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
    "identity.RemoteId": _part(part_of="identity.IdentityProvider", by="provider_id", part="remote_ids", value="id"),
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
    "identity.PolicyAssociation": _part(part_of="identity.Policy", by="policy_id", part="associations"),
    "identity.UserShare": _share(),
    "identity.GroupShare": _share(),
    "identity.Trust": Audited(f"{_SEC}/trust", name=""),
    "identity.Trust_roles": _part(part_of="identity.Trust", by="trust_id", part="roles", value="role_id"),
    # Hosts, placement
    "hosts.Host": Audited("compute/node", skip=frozenset({"heard", "told", "inventory", "last_seen_at", "question", "state_changed_at"})),
    "placement.ResourceProvider": Audited(f"{_PLC}/resource_providers"),
    "placement.Inventory": _part(part_of="placement.ResourceProvider", by="provider_id", part="inventories"),
    "placement.ProviderTrait": _part(part_of="placement.ResourceProvider", by="provider_id", part="traits", value="name"),
    "placement.ProviderAggregate": _part(
        part_of="placement.ResourceProvider", by="provider_id", part="aggregates", value="aggregate_id"
    ),
    "placement.Consumer": Audited(f"{_PLC}/allocations", name=""),
    "placement.Allocation": _part(part_of="placement.Consumer", by="consumer_id", part="allocations"),
    "placement.ResourceClass": Audited(f"{_PLC}/resource_classes"),
    "placement.Trait": Audited(f"{_PLC}/traits"),
    # Images
    "images.Image": Audited(
        f"{_IMG}/images", subject="image", skip=frozenset({"alive_at", "upload_id", "inspected", "checksum", "os_hash_algo", "os_hash_value"})
    ),
    "images.ImageMember": _part(part_of="images.Image", by="image_id", part="members"),
    "images.ImageTag": _part(part_of="images.Image", by="image_id", part="tags", value="value"),
    "images.Namespace": Audited(f"{_IMG}/metadefs/namespaces", name="namespace"),
    "images.Definition": _part(part_of="images.Namespace", by="namespace_id", part="definitions", value="name"),
    "images.Task": Audited(f"{_IMG}/tasks", name="type", skip=frozenset({"status", "result", "message", "expires_at"})),
    # Networks
    "networking.Tag": Audited(f"{_NET}/tags", name="tag", own=True),
    "networking.Network": Audited(f"{_NET}/networks", skip=frozenset({"status", "dhcp_host"})),
    "networking.NetworkGrant": Audited(f"{_NET}/rbac-policies", name="action"),
    "networking.SecurityGroup": Audited(f"{_NET}/security-groups"),
    "networking.SecurityGroupRule": Audited(f"{_NET}/security-group-rules", name="direction"),
    "networking.AddressScope": Audited(f"{_NET}/address-scopes"),
    "networking.SubnetPool": Audited(f"{_NET}/subnetpools"),
    "networking.Subnet": Audited(f"{_NET}/subnets", skip=frozenset({"cursor"})),
    "networking.Port": Audited(f"{_NET}/ports", skip=frozenset({"status", "host", "dhcp_refusal"})),
    "networking.FixedIP": _part(part_of="networking.Port", by="port_id", part="fixed_ips", value="ip_address"),
    "networking.PortGroup": _part(part_of="networking.Port", by="port_id", part="security_groups", value="group_id"),
    "networking.Router": Audited(f"{_NET}/routers", skip=frozenset({"status", "host"})),
    "networking.AgentNote": Audited(f"{_NET}/agents", name="kind"),
    "networking.FloatingIP": Audited(f"{_NET}/floatingips", name="floating_ip_address", skip=frozenset({"status"})),
    # Compute
    "compute.Server": Audited(
        f"{_COM}/servers", subject="server", skip=_SERVER,
        secret=frozenset({"user_data", "guest_password", "key_data", "personality"}),
    ),
    "compute.ServerGroup": Audited(f"{_COM}/os-server-groups"),
    "compute.KeyPair": Audited(f"{_COM}/os-keypairs", own=True, skip=frozenset({"public_key"})),
    "compute.Flavor": Audited(f"{_COM}/flavors"),
    "compute.FlavorAccess": _part(part_of="compute.Flavor", by="flavor_id", part="access", value="project_id"),
    "compute.Aggregate": Audited(f"{_COM}/os-aggregates"),
    "compute.ConsoleLink": Audited(
        f"{_COM}/servers/remote-consoles/links", name="", own=True, secret=frozenset({"secret"}), skip=frozenset({"who"})
    ),
    "compute.AggregateHost": _part(part_of="compute.Aggregate", by="aggregate_id", part="hosts", value="host"),
}  # fmt: skip

NOT_AUDITED: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("auth.Group", "auth.Group_permissions", "guardian.UserObjectPermission", "guardian.GroupObjectPermission",
         "account.EmailAddress", "account.EmailConfirmation", "sessions.Session"),
        "nothing of the cloud writes it",
    ),
    **dict.fromkeys(("auth.Permission", "contenttypes.ContentType"), "one a role or kind of thing, made with it"),
    "audit.Event": "it is the record",
    **dict.fromkeys(
        ("operations.OperationStep", "operations.Hold", "operations.Waiter", "operations.Kick", "operations.Lease"),
        "how the cloud does what was asked, which is recorded where it begins and where it ends",
    ),
    "identity.OldPassword": _FOLLOWS,
    "identity.FederatedUser": "made by a sign-in, which is recorded",
    "identity.MappedMembership": "a provider's word at a sign-in, which is recorded",
    "identity.DirectoryId": "a directory's people as the cloud met them",
    "identity.QuotaLock": "a lock",
    "identity.Nonce": "one a signed request",
    "identity.Revocation": _FOLLOWS,
    "identity.Epoch": "a counter",
    "identity.ChangedFact": _FOLLOWS,
    "identity.PortalSession": "sign-ins and sign-outs are recorded, and who ends which session",
    "identity.FailedTry": "failed sign-ins are recorded themselves",
    "compute.ConsoleTicket": "who asks for a console is recorded, and when it is opened",
    "hosts.Life": "one a start of the cloud",
    "hosts.HostDebt": _FOLLOWS,
    "placement.Usage": "sums of what is recorded",
    "networking.Change": _FOLLOWS,
    "networking.HostPiece": _FOLLOWS,
    "compute.Migration": _FOLLOWS,
}  # fmt: skip
