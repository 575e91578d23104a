"""Wire fields of registered limits and limits."""

from typing import Any

from common.numbers import LARGEST
from identity.wire import ID, ID_OR_NULL, TEXT
from openstackapi.fields import Field, Fields

_NUMBER = {"type": "integer", "minimum": -1, "maximum": LARGEST}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_REGION = {"type": ["string", "null"], "maxLength": 255}


def _of(name: str) -> Any:
    return lambda row: getattr(row.registered_limit, name)


REGISTERED = Fields(
    "registered_limit",
    (
        Field("id"),
        Field("service_id", create=True, update=True, required=True, schema=ID),
        Field("region_id", create=True, update=True, schema=_REGION),
        Field("resource_name", create=True, update=True, required=True, schema=_NAME),
        Field("default_limit", create=True, update=True, required=True, schema=_NUMBER),
        Field("description", create=True, update=True, schema=TEXT),
    ),
)
LIMIT = Fields(
    "limit",
    (
        Field("id"),
        Field("project_id", create=True, schema=ID_OR_NULL),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("service_id", _of("service_id"), create=True, required=True, schema=ID),
        Field("region_id", _of("region_id"), create=True, schema=_REGION),
        Field("resource_name", _of("resource_name"), create=True, required=True, schema=_NAME),
        Field("resource_limit", create=True, update=True, required=True, schema=_NUMBER),
        Field("description", create=True, update=True, schema=TEXT),
    ),
)


def many(fields: Fields, plural: str) -> dict[str, object]:
    """Build the schema of a POST, which takes a list."""
    one = fields.create_schema()["properties"][fields.name]
    return {
        "type": "object",
        "properties": {plural: {"type": "array", "items": one, "minItems": 1}},
        "required": [plural],
    }
