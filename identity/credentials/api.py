"""Credentials, and EC2 pairs of a user."""

from rest_framework.response import Response

from identity.credentials import services
from identity.credentials.services import CREDENTIALS
from identity.resource import Values
from identity.views import SELF, IdentityView, ItemView, ListView, collected

_EC2 = {"type": "object", "properties": {"tenant_id": {"type": "string"}}, "required": ["tenant_id"]}


class CredentialList(ListView):
    resource = CREDENTIALS


class CredentialItem(ItemView):
    resource = CREDENTIALS


_SHOWN = {
    "user_id": str,
    "tenant_id": str | None,
    "access": str,
    "secret": str,
    "trust_id": str | None,
    "links": SELF,
}


class _Ec2View(IdentityView):
    def show(self, body: Values) -> Values:
        return self.linked(body, f"/users/{body['user_id']}/credentials/OS-EC2/{body['access']}")


class Ec2List(_Ec2View):
    bodies = {"post": _EC2}
    answers = {"get": {200: collected("credentials", _SHOWN)}, "post": {201: {"credential": _SHOWN}}}

    def get(self, request: object, user_id: str) -> Response:
        return self.collection("credentials", [self.show(one) for one in services.list_ec2(self.actor, user_id)])

    def post(self, request: object, user_id: str) -> Response:
        made = services.create_ec2(self.actor, user_id, self.body()["tenant_id"])
        return Response({"credential": self.show(made)}, status=201)


class Ec2Item(_Ec2View):
    answers = {"get": {200: {"credential": _SHOWN}}}

    def get(self, request: object, user_id: str, access: str) -> Response:
        row = services.get_ec2(self.actor, access)
        return Response({"credential": self.show(services.ec2_body(row))})

    def delete(self, request: object, user_id: str, access: str) -> Response:
        services.delete_ec2(self.actor, access)
        return Response(status=204)
