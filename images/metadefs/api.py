"""Routes of metadata definitions."""

from typing import ClassVar

from django.utils.encoding import iri_to_uri
from rest_framework.request import Request

from images.images.views import ImageServiceView
from images.metadefs import schemas, services
from images.metadefs.models import OBJECT, PROPERTY, RESOURCE_TYPE, TAG
from openstackapi.pagination import Page
from openstackapi.shapes import PAGE
from openstackapi.views import Response

SORT_KEYS = {"namespace": "namespace", "created_at": "created_at", "updated_at": "updated_at"}


#: A definition of any kind; its other attributes are its author's.
DEFINITION = {"name": str, "created_at?": str, "updated_at?": str, "self?": str, "schema?": str, str: object}
#: A namespace without what is defined in it.
BRIEF = {
    "namespace": str,
    "display_name?": str,
    "description?": str,
    "visibility": str,
    "protected": bool,
    "owner": str,
    "created_at": str,
    "updated_at": str,
    "self": str,
    "schema": str,
    "resource_type_associations?": [DEFINITION],
}
NAMESPACE = {**BRIEF, "objects?": [DEFINITION], "properties?": {str: dict}, "tags?": [{"name": str}]}


class Namespaces(ImageServiceView):
    bodies = {"post": schemas.NAMESPACE}
    answers = {
        "get": {200: {"namespaces": [BRIEF], "first": str, "next?": str, "schema": str}},
        "post": {201: NAMESPACE},
    }
    queries = {"get": {**PAGE, "visibility": str, "resource_types": str}}

    def get(self, request: Request) -> Response:
        page = Page.from_request(request._request, sort_keys=SORT_KEYS)
        rows = services.visible(self.actor).prefetch_related("definitions")
        if "visibility" in request.GET:
            rows = rows.filter(visibility=request.GET["visibility"])
        if "resource_types" in request.GET:
            names = request.GET["resource_types"].split(",")
            rows = rows.filter(definitions__kind=RESOURCE_TYPE, definitions__name__in=names).distinct()
        found = page.read(rows, id_column="namespace")
        body: dict[str, object] = {"namespaces": [services.render_namespace(row, whole=False) for row in found]}
        body |= {"first": "/v2/metadefs/namespaces", "schema": "/v2/schemas/metadefs/namespaces"}
        if page.more and found:
            body["next"] = f"/v2/metadefs/namespaces?marker={found[-1].pk}&limit={page.limit}"
        return Response(body)

    def post(self, request: Request) -> Response:
        row = services.create_namespace(self.actor, self.body())
        response = Response(services.render_namespace(row, whole=True), status=201)
        response["Location"] = iri_to_uri(f"{self.root()}/api/image/v2/metadefs/namespaces/{row.pk}")
        return response


class NamespaceDetail(ImageServiceView):
    bodies = {"put": schemas.NAMESPACE}
    answers = {"get": {200: NAMESPACE}, "put": {200: BRIEF}}

    def get(self, request: Request, namespace: str) -> Response:
        return Response(services.render_namespace(services.find(self.actor, namespace), whole=True))

    def put(self, request: Request, namespace: str) -> Response:
        row = services.update_namespace(self.actor, namespace, self.body())
        return Response(services.render_namespace(row, whole=False))

    def delete(self, request: Request, namespace: str) -> Response:
        services.delete_namespace(self.actor, namespace)
        return Response(status=204)


class Definitions(ImageServiceView):
    """The definitions of one kind in a namespace."""

    kind: ClassVar[str] = ""
    answers = {"post": {201: DEFINITION}}

    def get(self, request: Request, namespace: str) -> Response:
        rows = services.index(self.actor, namespace, self.kind)
        if self.kind == PROPERTY:
            return Response({"properties": {row.name: services.render(row) for row in rows}})
        return Response(
            {self.kind: [services.render(row) for row in rows], "schema": f"/v2/schemas/metadefs/{self.kind}"}
        )

    def post(self, request: Request, namespace: str) -> Response:
        row = services.create(self.actor, namespace, self.kind, self.body())
        return Response(services.render(row), status=201)

    def delete(self, request: Request, namespace: str) -> Response:
        services.delete(self.actor, namespace, self.kind)
        return Response(status=204)


class Objects(Definitions):
    kind = OBJECT
    answers = {"get": {200: {"objects": [DEFINITION], "schema": str}}}
    bodies = {"post": schemas.BODIES[OBJECT]}


class Properties(Definitions):
    kind = PROPERTY
    answers = {"get": {200: {"properties": {str: DEFINITION}}}}
    bodies = {"post": schemas.BODIES[PROPERTY]}


class Tags(Definitions):
    """Tags are made many at a time; X-Openstack-Append: true keeps those that are there."""

    kind = TAG
    bodies = {"post": schemas.TAGS}
    answers = {"get": {200: {"tags": [DEFINITION], "schema": str}}, "post": {201: {"tags": [{"name": str}]}}}

    def post(self, request: Request, namespace: str) -> Response:
        append = request._request.META.get("HTTP_X_OPENSTACK_APPEND", "").lower() == "true"
        names = [tag["name"] for tag in self.body()["tags"]]
        rows = services.replace_tags(self.actor, namespace, names, append=append)
        return Response({"tags": [{"name": row.name} for row in rows]}, status=201)


class DefinitionDetail(ImageServiceView):
    kind: ClassVar[str] = ""
    answers = {"get": {200: DEFINITION}, "put": {200: DEFINITION}}

    def get(self, request: Request, namespace: str, name: str) -> Response:
        return Response(services.render(services.get(self.actor, namespace, self.kind, name)))

    def put(self, request: Request, namespace: str, name: str) -> Response:
        body = self.body()
        return Response(services.render(services.update(self.actor, namespace, self.kind, name, body)))

    def delete(self, request: Request, namespace: str, name: str) -> Response:
        services.delete(self.actor, namespace, self.kind, name)
        return Response(status=204)


class ObjectDetail(DefinitionDetail):
    kind = OBJECT
    bodies = {"put": schemas.BODIES[OBJECT]}


class PropertyDetail(DefinitionDetail):
    kind = PROPERTY
    bodies = {"put": schemas.BODIES[PROPERTY]}


class TagDetail(DefinitionDetail):
    kind = TAG
    answers = {"post": {201: DEFINITION}}
    bodies = {"put": schemas.BODIES[TAG]}

    def post(self, request: Request, namespace: str, name: str) -> Response:
        row = services.create(self.actor, namespace, TAG, {"name": name})
        return Response(services.render(row), status=201)


class ResourceTypes(ImageServiceView):
    answers = {"get": {200: {"resource_types": [{"name": str, "created_at?": str, "updated_at?": str}]}}}

    def get(self, request: Request) -> Response:
        services.visible(self.actor, "list_metadef_resource_types")
        return Response({"resource_types": list(services.resource_types().values())})


class Associations(ImageServiceView):
    """The resource types of one namespace."""

    bodies = {"post": schemas.ASSOCIATION}
    answers = {"get": {200: {"resource_type_associations": [DEFINITION]}}, "post": {201: DEFINITION}}

    def get(self, request: Request, namespace: str) -> Response:
        rows = services.index(self.actor, namespace, RESOURCE_TYPE)
        return Response({"resource_type_associations": [services.render(row) for row in rows]})

    def post(self, request: Request, namespace: str) -> Response:
        row = services.create(self.actor, namespace, RESOURCE_TYPE, self.body())
        return Response(services.render(row), status=201)


class AssociationDetail(ImageServiceView):
    def delete(self, request: Request, namespace: str, name: str) -> Response:
        services.delete(self.actor, namespace, RESOURCE_TYPE, name)
        return Response(status=204)
