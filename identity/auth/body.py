"""The body that shows a token."""

from typing import Any

from authorization.context import RequestContext
from identity import catalog
from identity.assignments.effective import Scope
from identity.models import MappedMembership, ServiceProvider
from identity.revocation import services as revocation
from openstackapi.fields import iso_micro, iso_micro_z

_NAMED = {"id": str, "name": str}
_IN_DOMAIN = {**_NAMED, "domain": _NAMED}
_ENDPOINT = {"id": str, "interface": str, "region_id": str | None, "region": str | None, "url": str}
CATALOG = [{**_NAMED, "type": str, "endpoints": [_ENDPOINT]}]
_FEDERATION = {"groups": [{"id": str}], "identity_provider": {"id": str}, "protocol": {"id": str}}
#: What `token_body` makes: scope, roles and catalog of a token that has a scope, and by which delegation it came.
TOKEN = {
    "methods": [str],
    "user": {**_IN_DOMAIN, "password_expires_at": str | None, "OS-FEDERATION?": _FEDERATION},
    "audit_ids": [str],
    "expires_at": str,
    "issued_at": str,
    "project?": _IN_DOMAIN,
    "is_domain?": bool,
    "domain?": _NAMED,
    "system?": {"all": bool},
    "roles?": [_NAMED],
    "catalog?": CATALOG,
    "OS-TRUST:trust?": dict,
    "application_credential?": dict,
    "OS-OAUTH1?": {"access_token_id": str, "consumer_id": str},
    "service_providers?": [{"id": str, "auth_url": str, "sp_url": str, "relay_state_prefix": str}],
}


def scope_of(actor: RequestContext) -> Scope:
    if actor.project_id:
        return Scope("project", actor.project_id)
    if actor.domain_id:
        return Scope("domain", actor.domain_id)
    return Scope("system", "all") if actor.system else Scope()


def token_body(actor: RequestContext, base: str, *, with_catalog: bool = True) -> dict[str, object]:
    """Build the "token" of an answer. `base` is ``http://host:port`` as the client sees it."""
    extra: dict[str, Any] = actor.extra
    token: dict[str, Any] = {
        "methods": list(actor.methods),
        "user": {
            "domain": {"id": actor.user_domain_id, "name": actor.user_domain_name},
            "id": actor.user_id,
            "name": actor.user_name,
            "password_expires_at": iso_micro(extra["password_expires_at"]),
        },
        "audit_ids": list(actor.audit_ids),
        "expires_at": iso_micro_z(actor.expires_at),
        "issued_at": iso_micro_z(actor.issued_at),
    }
    scope = scope_of(actor)
    token |= _scope_body(actor, scope)
    if scope.kind:
        token["roles"] = [{"id": id, "name": name} for id, name in extra["roles"].items()]
        if with_catalog:
            token["catalog"] = catalog.for_scope(scope, actor.user_id, base)
    delegation = extra["delegation"]
    if delegation.idp_id:
        token["user"]["OS-FEDERATION"] = _federation(actor.user_id, delegation.idp_id, delegation.protocol_id)
    if actor.trust_id:
        token["OS-TRUST:trust"] = extra["trust"]
    if actor.app_cred_id:
        token["application_credential"] = extra["app_cred"]
    if delegation.access_token_id:
        token["OS-OAUTH1"] = {"access_token_id": delegation.access_token_id, "consumer_id": delegation.consumer_id}
    if providers := _service_providers():
        token["service_providers"] = providers
    return token


def _federation(user_id: str, provider_id: str, protocol_id: str) -> dict[str, object]:
    groups = MappedMembership.objects.filter(user_id=user_id, provider_id=provider_id).order_by("group_id")
    return {
        "groups": [{"id": id} for id in groups.values_list("group_id", flat=True)],
        "identity_provider": {"id": provider_id},
        "protocol": {"id": protocol_id},
    }


_providers: tuple[int, list[dict[str, object]]] = (-1, [])


def _service_providers() -> list[dict[str, object]]:
    """The enabled ones, cached until the epoch moves."""
    global _providers
    epoch = revocation.epoch()
    if _providers[0] != epoch:
        rows = ServiceProvider.objects.filter(enabled=True).order_by("id")
        _providers = (epoch, [dict(row) for row in rows.values("id", "auth_url", "sp_url", "relay_state_prefix")])
    return _providers[1]


def _scope_body(actor: RequestContext, scope: Scope) -> dict[str, object]:
    match scope.kind:
        case "project":
            domain = {"id": actor.project_domain_id, "name": actor.project_domain_name}
            project = {"domain": domain, "id": actor.project_id, "name": actor.project_name}
            return {"project": project} if actor.trust_id else {"project": project, "is_domain": False}
        case "domain":
            return {"domain": {"id": actor.domain_id, "name": actor.domain_name}}
        case "system":
            return {"system": {"all": True}}
    return {}
