"""Routes for host agents: they read images and bring snapshots, those that their host needs or was asked for.

Every request is signed by its host.
"""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from hosts import agents
from images.images import data, states
from images.images.data_api import file_response
from images.images.errors import ImageNotFound, NotBootable
from images.images.models import Image
from openstackapi import streams
from openstackapi.render import JSONRenderer


class InternalImage(APIView):
    service = "image"
    schema = None
    renderer_classes = [JSONRenderer]

    def get(self, request: Request, image_id: str) -> HttpResponseBase:
        agents.require(agents.authenticate_agent(request._request), "read image", image_id)
        image = Image.objects.filter(pk=image_id).first()
        if image is None:
            raise ImageNotFound(id=image_id)
        # A server that was accepted may still read an image that was deactivated since.
        if not states.has_data(image.status):
            raise NotBootable(id=image_id, status=image.status)
        return file_response(image, request._request)

    def put(self, request: Request, image_id: str) -> HttpResponse:
        raw = request._request
        agents.require(agents.authenticate_agent(raw, is_streamed=True), "write image", image_id)
        body = streams.Incoming(raw)
        data.receive_snapshot(image_id, pieces=agents.checked(raw, body.pieces()), expected=body.length)
        return HttpResponse(status=204)
