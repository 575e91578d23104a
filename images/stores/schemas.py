"""The schema documents below /v2/schemas/, but for `image` itself."""

from images.images.fields import SCHEMA, UUID


def collection(name: str, item: dict[str, object]) -> dict[str, object]:
    """Build the schema of a list, as Glance writes it."""
    text = {"type": "string"}
    return {
        "name": name,
        "properties": {name: {"type": "array", "items": item}, "first": text, "next": text, "schema": text},
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def _schema(name: str, **properties: dict[str, object]) -> dict[str, object]:
    return {"name": name, "properties": properties, "additionalProperties": False}


def _text(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


MEMBER = _schema(
    "member",
    member_id=_text("An identifier for the image member (tenantId)"),
    image_id=_text("An identifier for the image", pattern=UUID),
    created_at=_text("Date and time of image member creation"),
    updated_at=_text("Date and time of last modification of image member"),
    status=_text("The status of this image member", enum=["pending", "accepted", "rejected"]),
    schema={"readOnly": True, "type": "string"},
)
TASK = _schema(
    "task",
    id=_text("An identifier for the task", pattern=UUID),
    type=_text("The type of task represented by this content", enum=["import", "api_image_import", "location_import"]),
    status=_text("The current status of this task", enum=["pending", "processing", "success", "failure"]),
    input={"type": ["null", "object"], "description": "The parameters required by task, JSON blob"},
    result={"type": ["null", "object"], "description": "The result of current task, JSON blob"},
    owner=_text("An identifier for the owner of this task"),
    message=_text("Human-readable informative message only included when appropriate (usually on failure)"),
    image_id=_text("Image associated with the task"),
    request_id=_text("Human-readable informative request-id"),
    user_id=_text("User associated with the task"),
    expires_at={"type": ["null", "string"], "description": "Datetime when this resource would be subject to removal"},
    created_at=_text("Datetime when this resource was created"),
    updated_at=_text("Datetime when this resource was updated"),
    self={"readOnly": True, "type": "string"},
    schema={"readOnly": True, "type": "string"},
)

SCHEMAS: dict[str, dict[str, object]] = {
    "images": collection("images", SCHEMA),
    "member": MEMBER,
    "members": collection("members", MEMBER),
    "task": TASK,
    "tasks": collection("tasks", TASK),
}
