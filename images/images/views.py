"""The base of the image service's routes."""

from openstackapi.views import ServiceView


class ImageServiceView(ServiceView):
    """One route of the image service."""

    service = "image"
