"""Application credentials and access rules of a user."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from common import moments
from common.errors import Invalid
from identity.appcreds import services
from identity.models import AccessRule, ApplicationCredential
from identity.resource import Values
from identity.views import SELF, IdentityView, collected
from identity.wire import BOOL, NAME, TEXT
from openstackapi.fields import iso_micro_z
from openstackapi.shapes import PAGE

_ROLE = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
MOST_RULES = 100  # of one credential
_RULE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "path": {"type": "string", "maxLength": 128, "pattern": r"^\/.*"},
        "method": {"type": "string", "pattern": r"^(POST|GET|HEAD|PATCH|PUT|DELETE)$"},
        "service": {"type": "string", "maxLength": 64},
    },
    "additionalProperties": False,
}
_CREATE = {
    "type": "object",
    "properties": {
        "application_credential": {
            "type": "object",
            "properties": {
                "name": NAME,
                "description": TEXT,
                "secret": {"type": ["string", "null"]},
                "expires_at": {"type": ["string", "null"]},
                "project_id": {"type": "string"},
                "roles": {"type": "array", "items": _ROLE},
                "unrestricted": BOOL,
                "access_rules": {"type": "array", "items": _RULE, "maxItems": MOST_RULES},
            },
            "required": ["name"],
        }
    },
    "required": ["application_credential"],
}
_SENT = ("name", "description", "secret", "project_id", "roles", "unrestricted", "access_rules")


def parse_time(text: str | None) -> datetime | None:
    """Return an ISO 8601 time, UTC unless it says otherwise. Raises: Invalid."""
    if text is None:
        return None
    moment = moments.parsed(text)
    if moment is None:
        raise Invalid(reason=_("%(text)s is not an ISO 8601 time."), text=text)
    return moment


_RULE_SHOWN = {"id": str, "service": str, "path": str, "method": str}
_SHOWN = {
    "id": str,
    "name": str,
    "description": str | None,
    "project_id": str,
    "roles": [{"id": str, "name": str, "domain_id": str | None}],
    "unrestricted": bool,
    "expires_at": str | None,
    "user_id": str,
    "access_rules?": [_RULE_SHOWN],
    "links": SELF,
}


class _AppCredView(IdentityView):
    def show(self, row: ApplicationCredential) -> Values:
        body: Values = {
            "id": row.pk,
            "name": row.name,
            "description": row.description,
            "project_id": row.project_id,
            "roles": [{"id": r.pk, "name": r.name, "domain_id": r.domain_id} for r in row.roles.all()],
            "unrestricted": row.unrestricted,
            "expires_at": (iso_micro_z(row.expires_at) or "").removesuffix("Z") or None,
            "user_id": row.user_id,
        }
        rules = [rule_body(rule) for rule in row.access_rules.all()]
        if rules:
            body["access_rules"] = rules
        return self.linked(body, f"/users/{row.user_id}/application_credentials/{row.pk}")


class AppCredList(_AppCredView):
    bodies = {"post": _CREATE}
    answers = {
        "get": {200: collected("application_credentials", _SHOWN)},
        "post": {201: {"application_credential": {**_SHOWN, "secret": str}}},
    }
    queries = {"get": {**PAGE, "name": str}}

    def get(self, request: Any, user_id: str) -> Response:
        rows = services.listing(self.actor, user_id, request._request.GET.get("name"))
        found, following = self.page(rows)
        return self.collection("application_credentials", [self.show(row) for row in found], following)

    def post(self, request: object, user_id: str) -> Response:
        sent = self.body()["application_credential"]
        values = {name: sent[name] for name in _SENT if name in sent}
        expires_at = parse_time(sent.get("expires_at"))
        row, secret = services.create(self.actor, user_id=user_id, expires_at=expires_at, **values)
        return Response({"application_credential": {**self.show(row), "secret": secret}}, status=201)


class AppCredItem(_AppCredView):
    answers = {"get": {200: {"application_credential": _SHOWN}}}

    def get(self, request: object, user_id: str, id: str) -> Response:
        return Response({"application_credential": self.show(services.get(self.actor, user_id, id))})

    def delete(self, request: object, user_id: str, id: str) -> Response:
        services.delete(self.actor, user_id, id)
        return Response(status=204)


def rule_body(row: AccessRule) -> Values:
    return {"id": row.pk, "service": row.service, "path": row.path, "method": row.method}


class RuleList(IdentityView):
    answers = {"get": {200: collected("access_rules", {**_RULE_SHOWN, "links": SELF})}}
    queries = {"get": PAGE}

    def get(self, request: object, user_id: str) -> Response:
        rows, following = self.page(services.rules(self.actor, user_id))
        bodies = [self.linked(rule_body(row), f"/users/{user_id}/access_rules/{row.pk}") for row in rows]
        return self.collection("access_rules", bodies, following)


class RuleItem(IdentityView):
    answers = {"get": {200: {"access_rule": {**_RULE_SHOWN, "links": SELF}}}}

    def get(self, request: object, user_id: str, id: str) -> Response:
        row = services.rule(self.actor, user_id, id)
        return Response({"access_rule": self.linked(rule_body(row), f"/users/{user_id}/access_rules/{id}")})

    def delete(self, request: object, user_id: str, id: str) -> Response:
        services.delete_rule(self.actor, user_id, id)
        return Response(status=204)
