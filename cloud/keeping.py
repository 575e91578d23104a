"""Who deletes the rows of each table, and when. A test holds this against the models: a new one needs its line.

`gone_with(M)`: its rows go with those of model M, by the database's own rule.  `purged(P)`: by purge P (common.purging) of
`manage.py purge` and the nightly hour.  `swept(T)`: by tick T of the clock (cloud.beat).  `by_people(...)`: by whoever made
it; quotas or the size of the cloud bound it.  `bounded(...)`: cannot grow.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Keeper:
    way: str
    what: str


def gone_with(model: str) -> Keeper:
    return Keeper("gone_with", model)


def purged(name: str) -> Keeper:
    return Keeper("purged", name)


def swept(tick: str) -> Keeper:
    return Keeper("swept", tick)


def by_people(how: str) -> Keeper:
    return Keeper("by_people", how)


def bounded(why: str) -> Keeper:
    return Keeper("bounded", why)


_USER, _PROJECT, _GRANT = gone_with("identity.User"), gone_with("identity.Project"), by_people("role remove")

KEEPERS: Final[dict[str, Keeper]] = {
    # Django and its libraries
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
    "audit.Event": purged("audit"),
    # Durable work
    "operations.Operation": swept("operations.prune"),
    "operations.OperationStep": gone_with("operations.Operation"),
    "operations.Hold": gone_with("operations.Operation"),
    "operations.Waiter": gone_with("operations.Operation"),
    "operations.Kick": bounded("goes when it has run; one a kind and key"),
    "operations.Lease": bounded("one a clock"),
    # Identity
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
    "identity.Revocation": swept("identity.prune"),
    "identity.Epoch": bounded("one row"),
    "identity.ChangedFact": swept("identity.prune"),
    "identity.UserShare": _USER,
    "identity.GroupShare": gone_with("identity.Group"),
    "identity.PortalSession": swept("identity.prune"),
    "identity.FailedTry": swept("identity.prune"),
    "identity.Trust": _USER,
    "identity.Trust_roles": gone_with("identity.Trust"),
    # Hosts, placement
    "hosts.Host": bounded("one a host"),
    "hosts.Life": bounded("one a start of the cloud; a host may have seen any of them"),
    "hosts.HostDebt": swept("hosts.debts"),
    "placement.ResourceProvider": bounded("one a host"),
    "placement.Inventory": gone_with("placement.ResourceProvider"),
    "placement.Consumer": bounded("one a server; goes when the server is deleted"),
    "placement.Allocation": gone_with("placement.Consumer"),
    "placement.Usage": gone_with("placement.ResourceProvider"),
    "placement.ResourceClass": by_people("resource class delete"),
    "placement.Trait": by_people("trait delete"),
    "placement.ProviderTrait": gone_with("placement.ResourceProvider"),
    "placement.ProviderAggregate": gone_with("placement.ResourceProvider"),
    # Images
    "images.Image": by_people("image delete"),
    "images.ImageMember": gone_with("images.Image"),
    "images.ImageTag": gone_with("images.Image"),
    "images.Namespace": by_people("metadata definitions: namespace delete"),
    "images.Definition": gone_with("images.Namespace"),
    "images.Task": swept("images.prune"),
    # Networks
    "networking.Tag": by_people("tag remove; with the thing that has it"),
    "networking.Network": by_people("network delete"),
    "networking.NetworkGrant": gone_with("networking.Network"),
    "networking.SecurityGroup": by_people("security group delete"),
    "networking.SecurityGroupRule": gone_with("networking.SecurityGroup"),
    "networking.AddressScope": by_people("address scope delete"),
    "networking.SubnetPool": by_people("subnet pool delete"),
    "networking.Subnet": gone_with("networking.Network"),
    "networking.Port": by_people("port delete; with its server, router or network"),
    "networking.FixedIP": gone_with("networking.Port"),
    "networking.PortGroup": gone_with("networking.Port"),
    "networking.Router": by_people("router delete"),
    "networking.FloatingIP": by_people("floating ip delete"),
    "networking.AgentNote": bounded("one an agent that an operator wrote of"),
    "networking.Change": swept("networking"),
    "networking.HostPiece": swept("networking"),
    # Compute
    "compute.Aggregate": by_people("aggregate delete"),
    "compute.AggregateHost": gone_with("compute.Aggregate"),
    "compute.Flavor": by_people("flavor delete"),
    "compute.FlavorAccess": gone_with("compute.Flavor"),
    "compute.KeyPair": by_people("keypair delete"),
    "compute.ServerGroup": by_people("server group delete"),
    "compute.Server": purged("servers"),
    "compute.Migration": purged("migrations"),
    "compute.ConsoleTicket": swept("compute.consoles"),
    "compute.ConsoleLink": swept("compute.consoles"),
}
