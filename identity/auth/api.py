"""Versions, tokens, and what a token may be scoped to."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from authorization.context import RequestContext
from common.errors import Forbidden
from identity import catalog, tokens
from identity.assignments import effective
from identity.auth import auditing, body, receipts, services
from identity.auth.schemas import AUTH
from identity.domains.services import DOMAINS
from identity.projects.services import PROJECTS
from identity.resource import enforce
from identity.views import SELF, IdentityView, collected, shown
from identity.wire import PREFIX, truth
from openstackapi import links, states
from openstackapi.shapes import LINKS


class CatalogNeedsProject(Forbidden):
    template = _("A project-scoped token is required to produce a service catalog.")


_VERSION = {"id": str, "status": str, "updated": str, "links": LINKS, "media-types": [{"base": str, "type": str}]}


def _version(root: str) -> dict[str, object]:
    return {
        "id": "v3.14",
        "status": states.STABLE,
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}{PREFIX}/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


class Versions(IdentityView):
    anonymous = True
    answers = {"get": {300: {"versions": {"values": [_VERSION]}}}}

    def get(self, request: object) -> Response:
        response = Response({"versions": {"values": [_version(self.root())]}}, status=300)
        response["Location"] = f"{self.root()}{PREFIX}/"
        return response


class Version(IdentityView):
    anonymous = True
    answers = {"get": {200: {"version": _VERSION}}}

    def get(self, request: object) -> Response:
        return Response({"version": _version(self.root())})


def with_receipt(error: receipts.MethodsTooFew) -> Response:
    """401, with what was proven so far for the next request."""
    text, told = receipts.body(error)
    response = Response(told, status=401)
    response[receipts.HEADER] = text
    return response


class Tokens(IdentityView):
    """POST signs in; GET, HEAD and DELETE are about X-Subject-Token."""

    bodies = {"post": AUTH}
    answers = {"get": {200: {"token": body.TOKEN}}, "post": {201: {"token": body.TOKEN}, 401: receipts.SHOWN}}
    queries = {"get": {"nocatalog": str, "allow_expired": str}, "post": {"nocatalog": str}, "delete": {"cascade": str}}

    @property
    def anonymous(self) -> bool:  # type: ignore[override]
        return self.request.method == "POST"

    def post(self, request: Any) -> Response:
        try:
            text, actor = services.sign_in(self.body()["auth"], request=request._request)
        except receipts.MethodsTooFew as error:
            return with_receipt(error)
        return self._answer(text, actor, 201)

    def get(self, request: object) -> Response:
        return self._answer(*self._subject("validate_token"), 200)

    def head(self, request: object) -> Response:
        return self._answer(*self._subject("check_token"), 200)

    def delete(self, request: Any) -> Response:
        text, subject = self._subject("revoke_token")
        tokens.revoke(text, chain=truth(request._request.GET.get("cascade", "true")))
        auditing.revoked("token", subject.audit_ids[0], subject.user_id)
        return Response(status=204)

    def _subject(self, verb: str) -> tuple[str, RequestContext]:
        raw = self.request._request
        text = raw.META.get("HTTP_X_SUBJECT_TOKEN", "")
        if not text:
            raise tokens.TokenNotFound()
        late = verb == "validate_token" and truth(raw.GET.get("allow_expired", "no"))
        subject = tokens.validate(text, allow_expired=late)
        enforce(self.actor, f"identity:{verb}", {"target.token.user_id": subject.user_id})
        return text, subject

    def _answer(self, text: str, actor: RequestContext, status: int) -> Response:
        with_catalog = "nocatalog" not in self.request._request.GET
        token = body.token_body(actor, links.root(self.request._request), with_catalog=with_catalog)
        response = Response({"token": token}, status=status)
        response["X-Subject-Token"] = text
        response["Vary"] = "X-Auth-Token"
        return response


class Catalog(IdentityView):
    answers = {"get": {200: {"catalog": body.CATALOG, "links": SELF}}}

    def get(self, request: object) -> Response:
        if not self.actor.project_id:
            raise CatalogNeedsProject()
        found = catalog.for_scope(body.scope_of(self.actor), self.actor.user_id, self.root())
        return Response({"catalog": found, "links": {"self": self.url("/auth/catalog")}})


def provider_of(actor: RequestContext) -> str:
    """Return the identity provider through which the caller came, "" for none."""
    delegation: Any = actor.extra.get("delegation")
    return (delegation.idp_id or "") if delegation is not None else ""


class AuthProjects(IdentityView):
    answers = {"get": {200: collected("projects", shown(PROJECTS))}}

    def get(self, request: object) -> Response:
        rows = (
            PROJECTS.rows()
            .filter(pk__in=effective.project_ids(self.actor.user_id, provider_of(self.actor)))
            .order_by("id")
        )
        return self.collection("projects", [self.linked(PROJECTS.render(r), f"/projects/{r.pk}") for r in rows])


class AuthDomains(IdentityView):
    answers = {"get": {200: collected("domains", shown(DOMAINS))}}

    def get(self, request: object) -> Response:
        rows = (
            DOMAINS.rows()
            .filter(pk__in=effective.domain_ids(self.actor.user_id, provider_of(self.actor)))
            .order_by("id")
        )
        return self.collection("domains", [self.linked(DOMAINS.render(r), f"/domains/{r.pk}") for r in rows])


class AuthSystem(IdentityView):
    answers = {"get": {200: {"system": [{"all": bool}], "links": SELF}}}

    def get(self, request: object) -> Response:
        has = effective.roles_on(self.actor.user_id, effective.Scope("system", "all"), provider_of(self.actor))
        return Response({"system": [{"all": True}] if has else [], "links": {"self": self.url("/auth/system")}})
