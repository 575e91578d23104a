"""Bounds of identity's tables that users can grow."""

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from guardian.models import GroupObjectPermission, UserObjectPermission

from common.ceilings import elsewhere, hold
from identity import models as rows
from quota.models import QuotaLock

_OPERATORS = "rows that only operators and providers of identity make"


def register() -> None:
    hold(rows.ApplicationCredential, "user_id", 200)
    hold(rows.AccessRule, "user_id", 1000)
    hold(rows.Credential, "user_id", 200)
    hold(rows.Trust, "trustor_id", 2000)  # those that ended among them, for 30 days
    hold(rows.RequestToken, "project_id", 1000)
    hold(rows.AccessToken, "user_id", 200)
    hold(Authenticator, "user_id", 50)
    hold(rows.PortalSession, "user_id", 1000)
    elsewhere(rows.Revocation, "identity.revocation.services.OWN_AT_MOST of one user, and the tokens' life")
    elsewhere(rows.ChangedFact, "one row of each fact, for minutes")
    elsewhere(rows.FailedTry, "what a source may fail at, and identity.auth.attempts.prune")
    elsewhere(rows.OldPassword, "STACKLING_PASSWORD_HISTORY")
    elsewhere(QuotaLock, "one row a project")
    elsewhere(rows.ProjectTag, "80 tags a project, which its managers write as one list")
    for model in (
        *(rows.Project, rows.Role, rows.Group, rows.User, rows.DomainOption, rows.IdentityProvider, rows.FederatedUser),
        *(rows.MappedMembership, rows.DirectoryId, rows.Limit, rows.ProjectEndpoint),
        *(rows.UserProjectRole, rows.UserDomainRole, rows.UserSystemRole),
        *(UserObjectPermission, GroupObjectPermission),
    ):
        elsewhere(model, _OPERATORS)
    _children()


def _children() -> None:
    """Rows below others."""
    for model in (
        *(
            rows.ImpliedRole,
            rows.User.groups.through,
            rows.GroupProjectRole,
            rows.GroupDomainRole,
            rows.GroupSystemRole,
        ),
        *(
            rows.Region,
            rows.Service,
            rows.Endpoint,
            rows.EndpointGroup,
            rows.EndpointGroup.projects.through,
            rows.Domain,
        ),
        *(rows.RemoteId, rows.Mapping, rows.Protocol, rows.ServiceProvider, rows.Client, rows.RegisteredLimit),
        *(rows.Consumer, rows.Policy, rows.PolicyAssociation),
    ):
        elsewhere(model, _OPERATORS)
    elsewhere(rows.ApplicationCredential.roles.through, "the roles that its user has, once each")
    elsewhere(rows.ApplicationCredential.access_rules.through, "identity.appcreds.api.MOST_RULES of one credential")
    elsewhere(rows.Trust.roles.through, "the roles that its trustor has, once each")
    elsewhere(EmailAddress, "never written: allauth wants the table, no address signs in")
    elsewhere(EmailConfirmation, "never written: no address is confirmed")
