"""From a user and a scope to an RequestContext: the same for tokens, sessions and the cloud's own checks."""

from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Unauthorized
from common.prepared import Prepared
from identity import personal
from identity.assignments.effective import Scope, implied_closure, roles_on
from identity.models import AccessToken, ApplicationCredential, IdentityProvider, Project, Role, Trust, User


class NoSuchActor(Unauthorized):
    """The user, the scope, or what was delegated does not count (any more)."""

    template = _("The request you have made requires authentication.")


@dataclass(frozen=True, slots=True)
class Delegation:
    """The right by which someone acts other than their own roles. Empty for ordinary tokens."""

    trust_id: str | None = None
    app_cred_id: str | None = None
    access_token_id: str | None = None
    consumer_id: str | None = None
    idp_id: str | None = None
    protocol_id: str | None = None

    @property
    def is_direct(self) -> bool:
        """Whether the user acts by their own roles: whoever came through an identity provider does, too."""
        return not (self.trust_id or self.app_cred_id or self.access_token_id)

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> "Delegation":
        return cls(**data)


_USER = ("id", "name", "domain_id", "enabled", "domain__name", "domain__enabled", "password_expires_at", "options")
_PROJECT = ("id", "name", "domain_id", "enabled", "is_domain", "domain__name", "domain__enabled")
_provider = Prepared(lambda id: IdentityProvider.objects.filter(pk=id).values("enabled", "domain__enabled"))
_user = Prepared(lambda id: User.objects.filter(pk=id).values(*_USER))
_project = Prepared(lambda id: Project.objects.filter(pk=id).values(*_PROJECT))


def build(user_id: str, scope: Scope, *, delegation: Delegation | None = None, **rest: Any) -> RequestContext:
    """Build the RequestContext of a user in a scope, with the roles they have there now.

    `rest` is passed on to RequestContext (methods, audit_ids, issued_at, expires_at).
    Raises: NoSuchActor when the user, the scope or a domain is disabled or gone, or no role is left there.
    """
    delegation = delegation or Delegation()
    user = _user.first(user_id)
    if user is None or not user["enabled"] or not user["domain__enabled"]:
        raise NoSuchActor()
    fields: dict[str, Any] = {"extra": {"delegation": delegation, "password_expires_at": user["password_expires_at"]}}
    fields |= _scope_fields(scope)
    if delegation.idp_id:
        _check_provider(delegation.idp_id)
    roles = roles_on(user_id, scope, delegation.idp_id or "")
    if scope.kind == "project" and not (delegation.trust_id or delegation.app_cred_id or delegation.access_token_id):
        fields["extra"]["shares"] = personal.of_user(user_id)  # shares are personal: what is delegated are roles
    if delegation.trust_id:
        user, roles = _through_trust(delegation.trust_id, user, scope, fields)
    elif delegation.app_cred_id:
        roles = _through_app_cred(delegation.app_cred_id, roles, fields)
    elif delegation.access_token_id:
        roles = _through_access_token(delegation.access_token_id, roles)
    if scope.kind and not roles:
        raise NoSuchActor()
    fields["extra"]["roles"] = roles
    return RequestContext(
        user_id=user["id"],
        user_name=user["name"],
        user_domain_id=user["domain_id"],
        user_domain_name=user["domain__name"],
        roles=frozenset(roles.values()),
        role_ids=frozenset(roles),
        **fields,
        **rest,
    )


def _check_provider(provider_id: str) -> None:
    """Reject federated callers whose identity provider or its domain is gone or disabled. Raises: NoSuchActor."""
    row = _provider.first(provider_id)
    if row is None or not row["enabled"] or not row["domain__enabled"]:
        raise NoSuchActor()


def _scope_fields(scope: Scope) -> dict[str, object]:
    if scope.kind == "system":
        return {"system": True}
    if not scope.kind:
        return {}
    row = _project.first(scope.id)
    if row is None or not row["enabled"] or row["domain__enabled"] is False:
        raise NoSuchActor()
    if scope.kind == "domain":
        if not row["is_domain"]:
            raise NoSuchActor()
        return {"domain_id": row["id"], "domain_name": row["name"]}
    return {
        "project_id": row["id"],
        "project_name": row["name"],
        "project_domain_id": row["domain_id"] or "",
        "project_domain_name": row["domain__name"] or "",
    }


def _through_trust(
    trust_id: str, trustee: dict[str, Any], scope: Scope, fields: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The user as whom a trustee acts, and the trust's roles that the trustor still has."""
    trust = Trust.objects.filter(pk=trust_id, deleted_at=None).first()
    expired = trust is not None and trust.expires_at is not None and trust.expires_at <= now()
    if trust is None or expired or trust.trustee_id != trustee["id"] or trust.project_id != (scope.id or None):
        raise NoSuchActor()
    trustor = _user.first(trust.trustor_id)
    if trustor is None or not trustor["enabled"] or not trustor["domain__enabled"]:
        raise NoSuchActor()
    roles: dict[str, str] = {}
    if scope.kind:
        granted = set(trust.roles.values_list("id", flat=True))
        held = roles_on(trust.trustor_id, scope)
        if granted - held.keys():
            raise NoSuchActor()
        roles = _named(implied_closure(granted))
    fields["trust_id"] = trust.id
    fields["extra"]["trust"] = {
        "id": trust.id,
        "trustor_user": {"id": trust.trustor_id},
        "trustee_user": {"id": trust.trustee_id},
        "impersonation": trust.impersonation,
    }
    return (trustor if trust.impersonation else trustee), roles


def _through_app_cred(app_cred_id: str, held: dict[str, str], fields: dict[str, Any]) -> dict[str, str]:
    row = ApplicationCredential.objects.filter(pk=app_cred_id).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now()):
        raise NoSuchActor()
    granted = implied_closure(set(row.roles.values_list("id", flat=True)) & held.keys())
    rules = list(row.access_rules.values("id", "service", "path", "method"))
    fields["app_cred_id"] = row.id
    if rules:
        fields["access_rules"] = tuple((rule["service"], rule["method"], rule["path"]) for rule in rules)
    fields["extra"]["app_cred"] = {"id": row.id, "name": row.name, "restricted": not row.unrestricted}
    if rules:
        fields["extra"]["app_cred"]["access_rules"] = rules
    return {key: name for key, name in held.items() if key in granted}


def _through_access_token(access_token_id: str, held: dict[str, str]) -> dict[str, str]:
    row = AccessToken.objects.filter(pk=access_token_id).values("role_ids").first()
    if row is None:
        raise NoSuchActor()
    granted = implied_closure(set(row["role_ids"]) & held.keys())
    return {key: name for key, name in held.items() if key in granted}


def _named(role_ids: set[str]) -> dict[str, str]:
    return dict(Role.objects.filter(pk__in=role_ids, domain=None).order_by("name").values_list("id", "name"))
