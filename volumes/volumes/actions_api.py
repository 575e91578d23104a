"""What is done with a volume: the body's only key names it. Source: Cinder's API reference, "Volume actions"."""

from collections.abc import Callable
from typing import Any, Final, NotRequired, TypedDict

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.truth import truth
from openstackapi import bodies
from openstackapi.fields import Schema, iso_micro
from openstackapi.shapes import AnyOf
from openstackapi.versioned import ByVersion, Property, Span, body_schema
from volumes.snapshots import services as snapshots
from volumes.views import Response, VolumeView
from volumes.volumes import services
from volumes.volumes.fields import NAME, SIZE

Act = Callable[["Action", str, Any], Response]


class Extend(TypedDict):
    new_size: int | str


class Revert(TypedDict):
    snapshot_id: str


class UploadImage(TypedDict):
    image_name: str
    visibility: NotRequired[str]
    protected: NotRequired[bool | str]


def _object(*properties: Property) -> ByVersion[Schema]:
    """Build the schema of an object in each version that changes it."""
    versions = {(3, 0), *(one.since for one in properties if one.since)}
    return ByVersion({version: body_schema(properties, version) for version in versions})


def extend(view: "Action", id: str, said: Extend) -> Response:
    services.extend(view.actor, id, size=int(said["new_size"]))
    return Response(status=202)


def revert(view: "Action", id: str, said: Revert) -> Response:
    snapshots.revert(view.actor, volume_id=id, snapshot_id=said["snapshot_id"])
    return Response(status=202)


def upload_image(view: "Action", id: str, said: UploadImage) -> Response:
    volume, image = services.upload(
        view.actor,
        id,
        image_name=said["image_name"],
        visibility=said.get("visibility", "private"),
        protected=bool(truth(said.get("protected"))),
    )
    shown = {
        "id": volume.id,
        "updated_at": iso_micro(volume.updated_at),
        "status": volume.status,
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": None,
        "image_id": image.id,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "image_name": image.name,
        **({"visibility": image.visibility, "protected": image.protected} if view.version in _SHOWN else {}),
    }
    return Response({"os-volume_upload_image": shown}, status=202)


#: Versions that say who sees the image, and whether it is protected.
_SHOWN: Final = Span(since=(3, 1))
#: Name → (schema of what stands under it, what is done, the microversions that have it).
ACTIONS: Final[dict[str, tuple[ByVersion[Schema], Act, Span]]] = {
    "os-extend": (_object(Property("new_size", SIZE, required=True)), extend, Span()),
    "revert": (
        _object(Property("snapshot_id", {"type": "string"}, required=True)),
        revert,
        Span(since=(3, 40)),
    ),
    "os-volume_upload_image": (
        _object(
            Property("image_name", {**NAME, "type": "string", "minLength": 1}, required=True),
            Property("disk_format", {"enum": ["qcow2"]}),
            Property("container_format", {"enum": ["bare"]}),
            Property("force", {"type": ["boolean", "string", "null"]}),
            Property("visibility", {"enum": ["public", "private", "shared", "community"]}, since=(3, 1)),
            Property("protected", {"type": ["boolean", "string", "null"]}, since=(3, 1)),
        ),
        upload_image,
        Span(),
    ),
}


class Action(VolumeView):
    """Do one thing with a volume."""

    bodies = {
        "post": {
            "type": "object",
            "properties": {name: schema.newest for name, (schema, _act, _span) in ACTIONS.items()},
            "minProperties": 1,
            "maxProperties": 1,
        }
    }
    answers = {"post": {202: AnyOf({"os-volume_upload_image": dict}, None)}}

    def post(self, request: HttpRequest, id: str) -> Response:
        data = self.body({"type": "object", "minProperties": 1})
        name = next(iter(data or {}), "")
        found = ACTIONS.get(name)
        if len(data) != 1 or found is None or self.version not in found[2]:
            raise Invalid(reason=_("There is no such action: %(name)s"), name=", ".join(data)[:100])
        schema, act, _span = found
        bodies.validate(data[name], schema.at(self.version))
        return act(self, id, data[name])
