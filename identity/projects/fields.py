"""Wire fields of projects."""

from identity.wire import BOOL, ID_OR_NULL, NAME_64, TEXT
from openstackapi.fields import Field, Fields

TAG = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^,/]*$"}
TAGS = {"type": "array", "items": TAG, "maxItems": 80, "uniqueItems": True}
OPTIONS = {
    "type": "object",
    "properties": {"immutable": {"type": ["boolean", "null"]}},
    "additionalProperties": False,
}


def tags_of(row: object) -> list[str]:
    return sorted(tag.name for tag in row.tags.all())  # type: ignore[attr-defined]


PROJECT = Fields(
    "project",
    (
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=NAME_64),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("description", create=True, update=True, schema=TEXT),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("parent_id", create=True, schema=ID_OR_NULL),
        Field("is_domain", create=True, schema=BOOL),
        Field("tags", tags_of, create=True, update=True, schema=TAGS),
        Field("options", create=True, update=True, schema=OPTIONS),
    ),
)
