"""Routes of imports and tasks."""

from rest_framework.request import Request

from images.images.views import ImageServiceView
from images.tasks import imports, services
from openstackapi.shapes import PAGE, AnyOf
from openstackapi.views import Response

IMPORT: dict[str, object] = {
    "type": "object",
    "properties": {
        "method": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "uri": {"type": "string"}},
            "required": ["name"],
        },
        "stores": {"type": "array", "items": {"type": "string"}},
        "all_stores": {"type": "boolean"},
        "all_stores_must_succeed": {"type": "boolean"},
    },
    "required": ["method"],
}


#: A task as lists show it.
BRIEF = {
    "id": str,
    "type": str,
    "status": str,
    "owner": str | None,
    "created_at": str,
    "updated_at": str,
    "self": str,
    "schema": str,
    "expires_at?": str,
}
TASK = {
    **BRIEF,
    "input": AnyOf(dict, None),
    "result": AnyOf(dict, None),
    "message": str,
    "image_id": str,
    "request_id": str,
    "user_id": str,
}


class ImageImport(ImageServiceView):
    bodies = {"post": IMPORT}
    answers = {"post": {202: None}}

    def post(self, request: Request, image_id: str) -> Response:
        imports.start(self.actor, image_id=image_id, body=self.body() or {})
        return Response(status=202)


class ImageTasks(ImageServiceView):
    answers = {"get": {200: {"tasks": [TASK]}}}

    def get(self, request: Request, image_id: str) -> Response:
        return Response({"tasks": [services.render(task) for task in imports.of_image(self.actor, image_id=image_id)]})


ASKED: dict[str, object] = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": [imports.OLD_TYPE]},
        "input": {
            "type": "object",
            "properties": {
                "import_from": {"type": "string"},
                "import_from_format": {"type": "string"},
                "image_properties": {"type": "object"},
            },
            "required": ["import_from", "import_from_format", "image_properties"],
        },
    },
    "required": ["type", "input"],
}


class Tasks(ImageServiceView):
    bodies = {"post": ASKED}
    answers = {"get": {200: {"tasks": [BRIEF], "first": str, "next?": str, "schema": str}}, "post": {201: TASK}}
    queries = {"get": {**PAGE, "type": str, "status": str}}

    def post(self, request: Request) -> Response:
        task = imports.start_old(self.actor, asked=self.body()["input"])
        response = Response(services.render(task), status=201)
        response["Location"] = f"{self.root()}/api/image/v2/tasks/{task.pk}"
        return response

    def get(self, request: Request) -> Response:
        return Response(services.index(self.actor, request._request))


class TaskDetail(ImageServiceView):
    answers = {"get": {200: TASK}}

    def get(self, request: Request, task_id: str) -> Response:
        return Response(services.render(services.get(self.actor, task_id=task_id)))
