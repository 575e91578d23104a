"""Signing in for a token: the methods prove who, the scope says where."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden, Invalid, Unauthorized
from common.prepared import Prepared
from identity import actors, tokens
from identity.appcreds import secrets
from identity.assignments.effective import Scope, roles_on
from identity.auth import auditing, passwords, receipts, totp
from identity.auth.attempts import FailedAttempts
from identity.auth.receipts import MethodsTooFew
from identity.federation import bearer
from identity.models import Project, Trust, User
from identity.oauth1 import signing
from openstackapi.client import address_of

Body = dict[str, Any]


class BadMethod(Unauthorized):
    template = _("Attempted to authenticate with an unsupported method.")


class NotAuthenticated(Unauthorized):
    template = _("The request you have made requires authentication.")


class MissingPart(Invalid):
    template = _("Expecting to find %(attribute)s in %(target)s. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.")  # fmt: skip


class MayNotRescope(Forbidden):
    template = _("You are not authorized to perform the requested action: %(action)s.")


class TrustIsAnothers(Forbidden):
    template = _("You are not authorized to perform the requested action: User is not a trustee.")


class TrustUsedUp(Forbidden):
    template = _("The trust %(id)s has no uses left.")


@dataclass
class Proof:
    """What the methods proved."""

    user_id: str = ""
    methods: tuple[str, ...] = ()
    parent: tokens.Token | None = None
    scope: Scope | None = None  # a method that fixes it: application_credential, oauth1
    delegation: actors.Delegation = field(default_factory=actors.Delegation)
    expires_at: datetime | None = None
    receipt: receipts.Receipt | None = None

    def knows_password(self, user_id: str) -> bool:
        """Whether this request, or one before it, proved the user's password."""
        if self.receipt is not None and self.receipt.user_id == user_id and "password" in self.receipt.methods:
            return True
        return self.user_id == user_id and "password" in self.methods

    def is_user(self, user_id: str) -> None:
        if self.user_id and self.user_id != user_id:
            raise NotAuthenticated()
        self.user_id = user_id


def sign_in(auth: Body, *, request: object = None) -> tuple[str, RequestContext]:
    """Return a token's text and its RequestContext, for the "auth" part of a request.

    Raises: Unauthorized (the same for an unknown user and a wrong password), MethodsTooFew, Invalid, Forbidden.
    """
    with auditing.signing_in(tuple(auth["identity"]["methods"])):
        text, actor = _sign_in(auth, request)
    auditing.signed_in(actor)
    return text, actor


def _sign_in(auth: Body, request: object) -> tuple[str, RequestContext]:
    before = _receipt(request)
    proof = _prove(auth["identity"], request, before)
    _add_receipt(proof, before)
    enough_methods(proof.user_id, proof.methods)
    scope, proof = _scope(auth, proof)
    try:
        text, actor = tokens.issue(
            proof.user_id,
            scope,
            proof.methods,
            parent=proof.parent,
            delegation=proof.delegation,
            expires_at=proof.expires_at,
        )
    except tokens.TokenNotFound:
        raise NotAuthenticated() from None
    if proof.delegation.trust_id:
        _use_trust(proof.delegation.trust_id)
    return text, actor


def _prove(identity: Body, request: object, receipt: receipts.Receipt | None) -> Proof:
    """What the methods of a request prove. A password is looked at first: a code that comes with one is not alone."""
    methods = identity["methods"]
    if not methods:
        raise BadMethod()
    proof = Proof(receipt=receipt)
    for method in sorted(methods, key=lambda name: name != "password"):
        part: Any = identity.get(method)
        prove = _METHODS.get(method) or (_federated if _names_provider(part) else None)
        if prove is None:
            raise BadMethod()
        if method not in identity:
            raise MissingPart(attribute=method, target="identity")
        prove(proof, part, request)
        known = method if method in tokens.METHODS else "mapped"  # a protocol may have any name
        proof.methods = tuple(dict.fromkeys((*proof.methods, known)))
    return proof


def _source(request: Any) -> str:
    return address_of(request) if request is not None else ""


def _names_provider(part: object) -> bool:
    return isinstance(part, dict) and "identity_provider" in part and "protocol" in part


class Who(TypedDict, total=False):
    user_id: str
    name: str
    domain: str


def _user_of(body: Body, method: str) -> Who:
    """{user_id} or {name, domain} of a method's "user". Raises: MissingPart."""
    if "user" not in body:
        raise MissingPart(attribute="user", target=method)
    user = body["user"]
    if user.get("name"):
        if "domain" not in user:
            raise MissingPart(attribute="domain", target="user")
        domain = user["domain"].get("id") or user["domain"].get("name")
        if not domain:
            raise MissingPart(attribute=_("id or name"), target="domain")
        return {"name": user["name"], "domain": domain}
    if not user.get("id"):
        raise MissingPart(attribute=_("id or name"), target="user")
    return {"user_id": user["id"]}


def _password(proof: Proof, body: Body, request: object) -> None:
    who = _user_of(body, "password")
    if "password" not in body["user"]:
        raise MissingPart(attribute="password", target="user")
    proof.is_user(passwords.check(body["user"]["password"], source=_source(request), **who).pk)


def _totp(proof: Proof, body: Body, request: object) -> None:
    user = passwords.find(**_user_of(body, "totp"))
    alone = user is not None and not proof.knows_password(user.pk)
    if user is None or not totp.check(user, body["user"].get("passcode", ""), source=_source(request), alone=alone):
        raise NotAuthenticated()
    proof.is_user(user.pk)


def _token(proof: Proof, body: Body, request: object) -> None:
    actor = tokens.actor_from_token(body["id"], fresh=True)
    parent = tokens.read(body["id"])
    if not parent.delegation.is_direct:
        raise MayNotRescope(action=_("Using a delegated token to create another token"))
    proof.is_user(actor.user_id)
    proof.parent, proof.delegation = parent, parent.delegation
    proof.methods = tuple(dict.fromkeys((*proof.methods, *parent.methods)))


def _application_credential(proof: Proof, body: Body, request: object) -> None:
    who = _user_of(body, "application_credential") if "user" in body else {}
    if "id" not in body and not ("name" in body and who):
        raise MissingPart(attribute=_("name or ID"), target=_("application credential"))
    user = passwords.find(**who) if who else None
    named = {"id": body.get("id"), "name": body.get("name"), "user_id": user.pk if user else None}
    row = secrets.check(body["secret"], source=_source(request), **named)
    proof.is_user(row.user_id)
    proof.scope = Scope("project", row.project_id or "")
    proof.delegation = replace(proof.delegation, app_cred_id=row.pk)
    proof.expires_at = row.expires_at


def _oauth1(proof: Proof, body: Body, request: object) -> None:
    access = signing.check_access(request)
    proof.is_user(access.user_id)
    proof.scope = Scope("project", access.project_id)
    proof.delegation = replace(proof.delegation, access_token_id=access.pk, consumer_id=access.consumer_id)
    proof.expires_at = access.expires_at


def _federated(proof: Proof, body: Body, request: Any) -> None:
    """A provider's bearer token, sent with this request; or, with an id, a federated token of ours to scope anew."""
    if "id" in body:
        _token(proof, body, request)
        return
    if not _names_provider(body):
        raise MissingPart(attribute=_("identity_provider and protocol"), target="mapped")
    user, protocol = bearer.user_of(request, str(body["identity_provider"]), str(body["protocol"]))
    proof.is_user(user.pk)
    proof.delegation = replace(proof.delegation, idp_id=protocol.provider_id, protocol_id=protocol.id)


_METHODS = {
    "mapped": _federated,
    "openid": _federated,
    "saml2": _federated,
    "password": _password,
    "totp": _totp,
    "token": _token,
    "application_credential": _application_credential,
    "oauth1": _oauth1,
}


_options = Prepared(lambda id: User.objects.filter(pk=id).values_list("options"))
_project_named = Prepared(lambda name, domain: Project.objects.filter(name=name, domain_id=domain).values_list("pk"))
_project_of_id = Prepared(lambda id: Project.objects.plain().filter(pk=id).values_list("pk"))
_domain_named = Prepared(lambda name: Project.objects.domains().filter(domain=None, name=name).values_list("pk"))
_domain_of_id = Prepared(lambda id: Project.objects.domains().filter(pk=id).values_list("pk"))


def rules_of(options: Body) -> list[list[str]]:
    """List the multi-factor rules that hold: none when they are switched off, each without methods that nobody knows."""
    if options.get("multi_factor_auth_enabled") is False:
        return []
    asked = options.get("multi_factor_auth_rules") or []
    return [known for rule in asked if (known := [method for method in rule if method in tokens.METHODS])]


def enough_methods(user_id: str, methods: tuple[str, ...]) -> None:
    """Check a user's multi-factor rules: one of the lists must be wholly among the methods used. Raises: MethodsTooFew."""
    found = _options.first(user_id)
    rules = rules_of((found[0] if found else None) or {})
    if rules and not any(set(rule) <= set(methods) for rule in rules):
        raise MethodsTooFew(user_id, methods, rules)


def _receipt(request: Any) -> receipts.Receipt | None:
    """What was proven in an earlier request. Raises: ReceiptNotFound, after many wrong ones for right ones too."""
    text = request.headers.get(receipts.HEADER) if request is not None else None
    if not text:
        return None
    attempts = FailedAttempts("receipt", source=_source(request))
    try:
        if attempts.paused:
            raise receipts.ReceiptNotFound()
        return receipts.read(text)
    except receipts.ReceiptNotFound:
        attempts.failed()
        raise


def _add_receipt(proof: Proof, receipt: receipts.Receipt | None) -> None:
    """Raises: ReceiptNotFound for another user's."""
    if receipt is None:
        return
    if receipt.user_id != proof.user_id:
        raise receipts.ReceiptNotFound()
    proof.methods = tuple(dict.fromkeys((*receipt.methods, *proof.methods)))


def _scope(auth: Body, proof: Proof) -> tuple[Scope, Proof]:
    asked = auth.get("scope")
    if proof.scope is not None:
        if asked is not None and proof.delegation.app_cred_id:
            raise NotAuthenticated()
        return proof.scope, proof
    if asked is None:
        return _default(proof), proof
    if asked == "unscoped":
        return Scope(), proof
    if not isinstance(asked, dict) or sum(name in asked for name in (*_SCOPES, TRUST)) != 1:
        raise MissingPart(attribute=_("system, project, domain, OS-TRUST:trust or unscoped"), target="scope")
    if TRUST in asked:
        return _trust_scope(asked[TRUST], proof)
    name = next(name for name in _SCOPES if name in asked)
    if proof.parent is not None and proof.parent.scope.kind == "system" and name in ("project", "domain"):
        raise MayNotRescope(action=_("Using a system-scoped token to create a project- or domain-scoped token"))
    return _SCOPES[name](asked[name]), proof


def _default(proof: Proof) -> Scope:
    """The user's default project if they can work there, else no scope."""
    project_id = User.objects.filter(pk=proof.user_id).values_list("default_project_id", flat=True).first()
    if project_id is None:
        return Scope()
    scope = Scope("project", project_id)
    usable = Project.objects.filter(pk=project_id, enabled=True, domain__enabled=True).exists()
    return scope if usable and roles_on(proof.user_id, scope, proof.delegation.idp_id or "") else Scope()


def _project_scope(body: Body) -> Scope:
    if body.get("name"):
        if "domain" not in body:
            raise MissingPart(attribute="domain", target="project")
        domain = _domain_id(body["domain"])
        row = _project_named.first(str(body["name"]), domain)
    elif body.get("id"):
        row = _project_of_id.first(str(body["id"]))
    else:
        raise MissingPart(attribute=_("id or name"), target="project")
    if row is None:
        raise NotAuthenticated()
    return Scope("project", row[0])


def _domain_id(body: Body) -> str:
    if body.get("name"):
        row = _domain_named.first(str(body["name"]))
    elif body.get("id"):
        row = _domain_of_id.first(str(body["id"]))
    else:
        raise MissingPart(attribute=_("id or name"), target="domain")
    if row is None:
        raise NotAuthenticated()
    return str(row[0])


def _system_scope(body: Body) -> Scope:
    if body.get("all") is not True:
        raise MissingPart(attribute="all", target="system")
    return Scope("system", "all")


TRUST = "OS-TRUST:trust"
_SCOPES: dict[str, Callable[[Any], Scope]] = {
    "project": _project_scope,
    "domain": lambda body: Scope("domain", _domain_id(body)),
    "system": _system_scope,
    "unscoped": lambda body: Scope(),
}


def _trust_scope(body: Body, proof: Proof) -> tuple[Scope, Proof]:
    if not body.get("id"):
        raise MissingPart(attribute="trust_id", target="trust")
    trust = Trust.objects.filter(pk=body["id"], deleted_at=None).first()
    if trust is None:
        raise NotAuthenticated()
    if trust.trustee_id != proof.user_id:
        raise TrustIsAnothers()
    if trust.remaining_uses == 0:
        raise NotAuthenticated()
    scope = Scope("project", trust.project_id) if trust.project_id else Scope()
    lost = set(trust.roles.values_list("id", flat=True)) - roles_on(trust.trustor_id, scope).keys()
    if lost:
        raise MayNotRescope(action=_("The trustor no longer has every role of the trust"))
    expires_at = min((at for at in (trust.expires_at, proof.expires_at) if at), default=None)
    delegation = replace(proof.delegation, trust_id=trust.pk)
    return scope, replace(proof, delegation=delegation, expires_at=expires_at)


def _use_trust(trust_id: str) -> None:
    with transaction.atomic():
        limited = Trust.objects.filter(pk=trust_id).exclude(remaining_uses=None)
        if limited.exists() and not limited.filter(remaining_uses__gt=0).update(remaining_uses=F("remaining_uses") - 1):
            raise TrustUsedUp(id=trust_id)
