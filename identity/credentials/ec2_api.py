"""POST /ec2tokens and /s3tokens: services ask who signed a request."""

from typing import Any

from rest_framework.response import Response

from identity.auth import body
from identity.credentials import ec2
from identity.views import IdentityView
from openstackapi import links

_ANY = {"type": "object", "minProperties": 1}


class Ec2Tokens(IdentityView):
    bodies = {"post": _ANY}
    answers = {"post": {200: {"token": body.TOKEN}}}

    def post(self, request: Any) -> Response:
        text, actor = ec2.ec2_token(self.actor, self.body())
        response = Response({"token": body.token_body(actor, links.root(request._request))})
        response["X-Subject-Token"] = text
        return response


class S3Tokens(IdentityView):
    """Answers who it was, without the token's text, as Keystone does."""

    bodies = {"post": _ANY}
    answers = {"post": {200: {"token": body.TOKEN}}}

    def post(self, request: Any) -> Response:
        _text, actor = ec2.s3_token(self.actor, self.body())
        return Response({"token": body.token_body(actor, links.root(request._request))})
