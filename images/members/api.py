"""Routes of image members."""

from rest_framework.request import Request

from images.images.views import ImageServiceView
from images.members import services
from openstackapi.views import Response

ADD = {
    "type": "object",
    "properties": {"member": {"type": "string", "minLength": 1, "maxLength": 64}},
    "required": ["member"],
}
SET = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


MEMBER = {
    "member_id": str,
    "image_id": str,
    "status": str,
    "created_at": str,
    "updated_at": str,
    "schema": str,
}


class Members(ImageServiceView):
    bodies = {"post": ADD}
    answers = {"get": {200: {"members": [MEMBER], "schema": str}}, "post": {200: MEMBER}}

    def get(self, request: Request, image_id: str) -> Response:
        rows = services.index(self.actor, image_id=image_id)
        return Response({"members": [services.render(row) for row in rows], "schema": "/v2/schemas/members"})

    def post(self, request: Request, image_id: str) -> Response:
        body = self.body()
        return Response(services.render(services.add(self.actor, image_id=image_id, member_id=body["member"])))


class MemberDetail(ImageServiceView):
    bodies = {"put": SET}
    answers = {"get": {200: MEMBER}, "put": {200: MEMBER}}

    def get(self, request: Request, image_id: str, member_id: str) -> Response:
        return Response(services.render(services.get(self.actor, image_id=image_id, member_id=member_id)))

    def put(self, request: Request, image_id: str, member_id: str) -> Response:
        status = self.body()["status"]
        member = services.set_status(self.actor, image_id=image_id, member_id=member_id, status=status)
        return Response(services.render(member))

    def delete(self, request: Request, image_id: str, member_id: str) -> Response:
        services.remove(self.actor, image_id=image_id, member_id=member_id)
        return Response(status=204)
