"""Version documents: GET / lists the versions, GET /v3/ describes the one there is."""

from typing import Final

from django.http import HttpRequest

from openstackapi import microversion, states
from openstackapi.shapes import LINKS
from volumes.views import Response, VolumeView

_SHOWN: Final = {
    "id": str,
    "status": str,
    "version": str,
    "min_version": str,
    "updated": str,
    "links": LINKS,
    "media-types": [{"base": str, "type": str}],
}


class Versions(VolumeView):
    """List the versions."""

    anonymous = True
    answers = {"get": {300: {"versions": [_SHOWN]}}}

    def get(self, request: HttpRequest) -> Response:
        return Response({"versions": [self._newest()]}, status=300)

    def _newest(self) -> dict[str, object]:
        known = microversion.range_of("volume")
        assert known is not None
        return {
            "id": "v3.0",
            "status": states.CURRENT,
            "version": microversion.text_of(known.maximum),
            "min_version": microversion.text_of(known.minimum),
            "updated": "2023-08-31T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self.base}/v3/"}],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
        }


class VersionDetail(Versions):
    """Describe the version."""

    answers = {"get": {200: {"versions": [_SHOWN]}}}

    def get(self, request: HttpRequest) -> Response:
        return Response({"versions": [self._newest()]})
