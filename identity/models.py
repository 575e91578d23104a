"""Every row of identity, by resource."""

from identity.appcreds.models import AccessRule, ApplicationCredential
from identity.assignments.models import (
    GroupDomainRole,
    GroupProjectRole,
    GroupSystemRole,
    System,
    UserDomainRole,
    UserProjectRole,
    UserSystemRole,
)
from identity.catalogs.models import Endpoint, EndpointGroup, ProjectEndpoint, Region, Service
from identity.credentials.models import Credential
from identity.domains.models import DomainOption
from identity.federation.models import (
    Client,
    FederatedUser,
    IdentityProvider,
    MappedMembership,
    Mapping,
    Protocol,
    RemoteId,
    ServiceProvider,
)
from identity.groups.models import Group
from identity.ldap.models import DirectoryId
from identity.limits.models import Limit, RegisteredLimit
from identity.oauth1.models import AccessToken, Consumer, Nonce, RequestToken
from identity.policy_documents.models import Policy, PolicyAssociation
from identity.projects.models import Domain, Project, ProjectTag
from identity.revocation.models import ChangedFact, Epoch, Revocation
from identity.roles.models import ImpliedRole, Role
from identity.signin.models import FailedTry, PortalSession
from identity.trusts.models import Trust
from identity.users.models import OldPassword, User

__all__ = [
    "AccessRule",
    "AccessToken",
    "ApplicationCredential",
    "ChangedFact",
    "Client",
    "Consumer",
    "Credential",
    "DirectoryId",
    "Domain",
    "DomainOption",
    "Endpoint",
    "EndpointGroup",
    "Epoch",
    "FailedTry",
    "FederatedUser",
    "Group",
    "GroupDomainRole",
    "GroupProjectRole",
    "GroupSystemRole",
    "IdentityProvider",
    "ImpliedRole",
    "Limit",
    "MappedMembership",
    "Mapping",
    "Nonce",
    "OldPassword",
    "Policy",
    "PolicyAssociation",
    "PortalSession",
    "Project",
    "ProjectEndpoint",
    "ProjectTag",
    "Protocol",
    "Region",
    "RegisteredLimit",
    "RemoteId",
    "RequestToken",
    "Revocation",
    "Role",
    "Service",
    "ServiceProvider",
    "System",
    "Trust",
    "User",
    "UserDomainRole",
    "UserProjectRole",
    "UserSystemRole",
]
