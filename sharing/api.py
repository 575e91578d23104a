"""Shares on the wire. Our own: Keystone knows nothing like them. Below /v3/ beside its resources."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from authorization import policy, rules
from authorization.share_levels import LEVELS
from common.errors import Invalid
from identity.appcreds.api import parse_time
from identity.resource import Values
from identity.views import SELF, IdentityView, collected
from identity.wire import ID
from openstackapi.fields import iso_micro_z
from openstackapi.shapes import Json
from sharing import access, services, shareable
from sharing.services import UNCHANGED, Found

TIME = {"type": ["string", "null"], "format": "date-time"}
TEXT = {"type": "string"}
LEVEL = {"type": "string", "enum": list(LEVELS)}
_BY_NAME: Values = {
    "type": "object",
    "properties": {"id": ID, "name": {"type": "string", "minLength": 1, "maxLength": 255}, "domain": TEXT},
    "minProperties": 1,
    "additionalProperties": False,
}
_CREATE: Values = {
    "type": "object",
    "properties": {
        "share": {
            "type": "object",
            "properties": {
                "object_type": TEXT,
                "object_id": ID,
                "user": _BY_NAME,
                "group": _BY_NAME,
                "level": LEVEL,
                "expires_at": TIME,
            },
            "required": ["object_type", "object_id", "level"],
            "oneOf": [{"required": ["user"]}, {"required": ["group"]}],
            "additionalProperties": False,
        }
    },
    "required": ["share"],
}
_CHANGE: Values = {
    "type": "object",
    "properties": {
        "share": {
            "type": "object",
            "properties": {"level": LEVEL, "expires_at": TIME},
            "minProperties": 1,
            "additionalProperties": False,
        }
    },
    "required": ["share"],
}
_SUBJECT = {"id": str, "name": str, "domain": str}
SHARE = {
    "id": str,
    "object_type": str,
    "object_id": str,
    "level": Json(LEVEL),
    "expires_at": Json(TIME),
    "created_at": Json(TIME),
    "given_by": {"id": str, "name": str},
    "user?": _SUBJECT,
    "group?": _SUBJECT,
    "links": SELF,
}
_REASON = {
    "kind": Json({"type": "string", "enum": ["role", "admin", "share"]}),
    "sentence": str,
    "role?": str,
    "group?": str | None,
    "inherited_from?": str | None,
    "share_id?": str,
    "level?": Json(LEVEL),
    "expires_at?": Json(TIME),
    "given_by?": str,
}
_SEER = {
    "type": Json({"type": "string", "enum": ["user", "group"]}),
    "id": str,
    "name": str,
    "domain": str,
    "reasons": [_REASON],
}
_EXPLANATION = {
    "rule": str,
    "check": str,
    "description": str,
    "allowed": bool,
    "roles_wanted": [str],
    "roles_held": [str],
    "who_can_grant": [str],
    "share_level": str | None,
    "share_level_wanted": str | None,
    "sentence": str,
}


class _ShareView(IdentityView):
    def show(self, found: Found) -> Values:
        row, to = found.row, getattr(found.row, found.subject)
        body: Values = {
            "id": row.pk,
            "object_type": found.kind.name,
            "object_id": row.object_pk,
            "level": row.level,
            "expires_at": iso_micro_z(row.expires_at),
            "created_at": iso_micro_z(row.created_at),
            "given_by": {"id": row.given_by, "name": access.giver(found)},
            found.subject: {"id": to.pk, "name": to.name, "domain": to.domain.name if to.domain else ""},
        }
        return self.linked(body, f"/shares/{row.pk}")


class ShareList(_ShareView):
    """Shares that the caller has; with ?object_type= and ?object_id=, the shares of that object."""

    bodies: ClassVar = {"post": _CREATE}
    answers: ClassVar = {"get": {200: collected("shares", SHARE)}, "post": {201: {"share": SHARE}}}
    queries: ClassVar = {"get": {"object_type": str, "object_id": str}}

    def get(self, request: Any) -> Response:
        query = request._request.GET
        if "object_type" in query or "object_id" in query:
            found = services.of_object(self.actor, query.get("object_type", ""), query.get("object_id", ""))
        else:
            found = services.with_me(self.actor)
        return self.collection("shares", [self.show(one) for one in found])

    def post(self, request: object) -> Response:
        asked = self.body()["share"]
        subject = "user" if "user" in asked else "group"
        row = services.give(
            self.actor,
            kind=asked["object_type"],
            object_id=asked["object_id"],
            subject=subject,
            to=services.subject_of(self.actor, subject, **asked[subject]),
            level=asked["level"],
            expires_at=parse_time(asked.get("expires_at")),
        )
        return Response({"share": self.show(row)}, status=201)


class ShareItem(_ShareView):
    bodies: ClassVar = {"patch": _CHANGE}
    answers: ClassVar = {"get": {200: {"share": SHARE}}, "patch": {200: {"share": SHARE}}}

    def get(self, request: object, id: str) -> Response:
        return Response({"share": self.show(services.get(self.actor, id))})

    def patch(self, request: object, id: str) -> Response:
        asked = self.body()["share"]
        until = parse_time(asked["expires_at"]) if "expires_at" in asked else UNCHANGED
        row = services.change(self.actor, id, level=asked.get("level"), expires_at=until)
        return Response({"share": self.show(row)})

    def delete(self, request: object, id: str) -> Response:
        services.withdraw(self.actor, id)
        return Response(status=204)


class WhoCanSee(IdentityView):
    """Everyone who can see one object, each with the reasons."""

    answers: ClassVar = {"get": {200: {"everyone": [str], "access": [_SEER]}}}

    def get(self, request: object, object_type: str, object_id: str) -> Response:
        found = access.who(self.actor, object_type, object_id)
        seers = [access.as_dict(one, iso_micro_z) for one in found.seers]
        return Response({"everyone": found.everyone, "access": seers})


class Explain(IdentityView):
    """Why the caller may or may not, by ?rule=, on an object when ?object_type= and ?object_id= name one."""

    answers: ClassVar = {"get": {200: {"explanation": _EXPLANATION}}}
    queries: ClassVar = {"get": {"rule": str, "object_type": str, "object_id": str}}

    def get(self, request: Any) -> Response:
        query = request._request.GET
        rule = query.get("rule", "")
        if rules.check_of(rule) is None:
            raise Invalid(reason=_("There is no policy rule %(name)s."), name=rule)
        target = None
        if "object_type" in query:
            target = shareable.find(query["object_type"]).find(self.actor, query.get("object_id", ""))
        return Response({"explanation": policy.explain(self.actor, rule, target).as_dict()})
