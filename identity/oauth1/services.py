"""Verbs of OAuth1 consumers and tokens."""

import secrets
import string
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Invalid, Unauthorized
from identity.appcreds.services import not_delegated
from identity.assignments.effective import Scope, roles_on
from identity.models import AccessToken, Consumer, Project, RequestToken, Role, User
from identity.oauth1 import signing
from identity.resource import Missing, Resource, Values, enforce
from identity.revocation import services as revocation
from identity.wire import TEXT
from openstackapi.fields import Field, Fields

REQUEST_LIVES = timedelta(hours=8)
ACCESS_LIVES = timedelta(hours=24)

CONSUMER = Fields("consumer", (Field("id"), Field("description", create=True, update=True, schema=TEXT)))


class RequestTokenUnusable(Unauthorized):
    template = _("%(reason)s")


class Consumers(Resource[Consumer]):
    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        not_delegated(actor, "manage OAuth consumers")
        return values

    def split(self, values: Values) -> tuple[Values, Values]:
        """Split a consumer's values. The secret is made here, shown once, and never among what a client has written."""
        columns, extra = super().split(values)
        extra.pop("secret", None)
        return columns, extra

    def update(self, actor: RequestContext, id: str, values: Values) -> Any:
        if "secret" in values:
            raise Invalid(reason=_("Cannot update a consumer's secret."))
        return super().update(actor, id, values)

    def leaving(self, actor: RequestContext, row: Any) -> None:
        revocation.revoke(consumer_id=row.pk)


CONSUMERS = Consumers(
    model=Consumer,
    name="consumer",
    plural="consumers",
    path="/OS-OAUTH1/consumers",
    fields=CONSUMER,
    flushes=True,
)


def request_token(request: object, project_id: str | None) -> RequestToken:
    """Issue a token that a user may authorize. Raises: MissingParameter, Missing, BadOAuthSignature."""
    found = signing.parameters(request)
    consumer_id = signing.need(found, "oauth_consumer_key")
    if not project_id:
        raise signing.MissingParameter(name="Requested-Project-Id")
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        raise Missing(kind="project", id=project_id)
    consumer = CONSUMERS.find(consumer_id)
    signing.check(request, consumer)
    return RequestToken.objects.create(consumer=consumer, project=project, expires_at=now() + REQUEST_LIVES)


def _request_token(id: str) -> RequestToken:
    row = RequestToken.objects.select_related("consumer").filter(pk=id).first()
    if row is None:
        raise Missing(kind=_("request token"), id=id)
    if row.expires_at is not None and row.expires_at <= now():
        raise RequestTokenUnusable(reason=_("Request token is expired."))
    return row


@transaction.atomic
def authorize(actor: RequestContext, id: str, roles: list[Values]) -> str:
    """Return the verifier with which the consumer fetches its access token. Raises: Forbidden, Missing, RequestTokenUnusable."""
    enforce(actor, "identity:authorize_request_token")
    not_delegated(actor, "authorize a request token")
    row = _request_token(id)
    wanted = set()
    for one in roles:
        key = {"pk": one["id"]} if one.get("id") else {"name": one.get("name"), "domain": None}
        role = Role.objects.filter(**key).first()
        if role is None:
            raise Missing(kind="role", id=one.get("id") or one.get("name"))
        wanted.add(role.pk)
    if wanted - roles_on(actor.user_id, Scope("project", row.project_id)).keys():
        raise RequestTokenUnusable(reason=_("authorizing user does not have role required."))
    row.role_ids = sorted(wanted)
    row.user_id = actor.user_id
    row.verifier = "".join(secrets.choice(string.ascii_letters + string.digits) for _index in range(8))
    row.save()
    return row.verifier


@transaction.atomic
def access_token(request: object) -> AccessToken:
    """Raises: MissingParameter, Missing, BadOAuthSignature, RequestTokenUnusable."""
    found = signing.parameters(request)
    consumer_id = signing.need(found, "oauth_consumer_key")
    row = _request_token(signing.need(found, "oauth_token"))
    verifier = signing.need(found, "oauth_verifier")
    if row.consumer_id != consumer_id:
        raise RequestTokenUnusable(reason=_("Provided consumer key does not match stored consumer key."))
    if row.verifier is None or not secrets.compare_digest(row.verifier, verifier):
        raise RequestTokenUnusable(reason=_("Provided verifier does not match stored verifier."))
    assert row.user_id is not None, "who verified it"
    signing.check(request, row.consumer, row.secret)
    made = AccessToken.objects.create(
        consumer=row.consumer,
        project_id=row.project_id,
        user_id=row.user_id,
        role_ids=row.role_ids,
        expires_at=now() + ACCESS_LIVES,
    )
    row.delete()
    return made


def access_tokens(actor: RequestContext, user_id: str) -> Any:
    """Raises: Forbidden, Missing."""
    enforce(actor, "identity:list_access_tokens", {"user_id": user_id})
    not_delegated(actor, "list OAuth access tokens")
    if not User.objects.filter(pk=user_id).exists():
        raise Missing(kind="user", id=user_id)
    return AccessToken.objects.filter(user_id=user_id)


def find_access(actor: RequestContext, user_id: str, id: str, *, verb: str = "get_access_token") -> AccessToken:
    """Raises: Forbidden, Missing."""
    enforce(actor, f"identity:{verb}", {"user_id": user_id})
    row = AccessToken.objects.filter(pk=id, user_id=user_id).first()
    if row is None:
        raise Missing(kind=_("access token"), id=id)
    return row


@transaction.atomic
def delete_access(actor: RequestContext, user_id: str, id: str) -> None:
    """Tokens made with it stop counting. Raises: Forbidden, Missing."""
    not_delegated(actor, "delete OAuth access tokens")
    row = find_access(actor, user_id, id, verb="delete_access_token")
    revocation.revoke(access_token_id=row.pk)
    row.delete()


def access_roles(actor: RequestContext, user_id: str, id: str, *, verb: str = "list_access_token_roles") -> Any:
    """Raises: Forbidden, Missing."""
    return Role.objects.filter(pk__in=find_access(actor, user_id, id, verb=verb).role_ids).order_by("id")
