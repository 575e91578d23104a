"""JSON Schemas of metadata definitions, as Glance has them below /v2/schemas/metadefs/."""

from images.stores.schemas import collection

TYPES = ["array", "boolean", "integer", "number", "object", "string", None]
COUNT = {"type": "integer", "minimum": 0}
TEXTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
#: A name of a route: what has a slash in it could be made, and never shown, changed or deleted.
NAME = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^[^/]+\Z"}
READ_ONLY = ("self", "schema", "created_at", "updated_at")
SHOWN: dict[str, object] = {name: {"type": "string", "readOnly": True} for name in READ_ONLY}

PROPERTY_FIELDS: dict[str, object] = {
    "name": NAME,
    "title": {"type": "string"},
    "description": {"type": "string"},
    "operators": {"type": "array", "items": {"type": "string"}},
    "type": {"type": "string", "enum": TYPES},
    "required": TEXTS,
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "maxLength": COUNT,
    "minLength": COUNT,
    "pattern": {"type": "string"},
    "enum": {"type": "array"},
    "readonly": {"type": "boolean"},
    "default": {},
    "items": {"type": "object", "properties": {"type": {"type": "string", "enum": TYPES}, "enum": {"type": "array"}}},
    "maxItems": COUNT,
    "minItems": COUNT,
    "uniqueItems": {"type": "boolean"},
    "additionalItems": {"type": "boolean"},
}
INNER_PROPERTY: dict[str, object] = {"type": "object", "required": ["title", "type"], "properties": PROPERTY_FIELDS}
PROPERTIES: dict[str, object] = {"type": "object", "additionalProperties": INNER_PROPERTY, "propertyNames": NAME}
#: Names of an object's properties may be longer: no route names one of them.
OBJECT_PROPERTIES: dict[str, object] = {
    **PROPERTIES,
    "propertyNames": {"type": "string", "minLength": 1, "maxLength": 80},
}
ASSOCIATION_FIELDS: dict[str, object] = {
    "name": NAME,
    "prefix": {"type": "string", "maxLength": 80},
    "properties_target": {"type": "string", "maxLength": 80},
}
OBJECT_FIELDS: dict[str, object] = {
    "name": NAME,
    "description": {"type": "string"},
    "required": TEXTS,
    "properties": OBJECT_PROPERTIES,
}


def _schema(name: str, fields: dict[str, object], *required: str) -> dict[str, object]:
    needs = {"required": list(required)} if required else {}
    return {"name": name, "type": "object", "properties": fields, "additionalProperties": False, **needs}


OBJECT = _schema("object", {**OBJECT_FIELDS, **SHOWN}, "name")
PROPERTY = _schema("property", PROPERTY_FIELDS, "type", "title", "name")
TAG = _schema("tag", {"name": NAME, **SHOWN}, "name")
ASSOCIATION = _schema("resource_type_association", {**ASSOCIATION_FIELDS, **SHOWN}, "name")
NAMESPACE = _schema(
    "namespace",
    {
        "namespace": NAME,
        "display_name": {"type": "string", "maxLength": 80},
        "description": {"type": "string", "maxLength": 500},
        "visibility": {"type": "string", "enum": ["public", "private"]},
        "protected": {"type": "boolean"},
        "owner": {"type": "string", "maxLength": 255},
        "resource_type_associations": {"type": "array", "items": _schema("", ASSOCIATION_FIELDS, "name")},
        "properties": PROPERTIES,
        "objects": {"type": "array", "items": OBJECT},
        "tags": {"type": "array", "items": TAG},
        **SHOWN,
    },
    "namespace",
)
TAGS = {"type": "object", "properties": {"tags": {"type": "array", "items": TAG}}, "required": ["tags"]}
#: Schemas of a PUT of one definition, by kind.
BODIES = {"objects": OBJECT, "properties": PROPERTY, "tags": TAG, "resource_types": ASSOCIATION}

SCHEMAS: dict[str, dict[str, object]] = {
    "metadefs/namespace": NAMESPACE,
    "metadefs/namespaces": collection("namespaces", NAMESPACE),
    "metadefs/object": OBJECT,
    "metadefs/objects": collection("objects", OBJECT),
    "metadefs/property": PROPERTY,
    "metadefs/properties": {**collection("properties", PROPERTY), "name": "properties"},
    "metadefs/tag": TAG,
    "metadefs/tags": collection("tags", TAG),
    "metadefs/resource_type": ASSOCIATION,
    "metadefs/resource_types": collection("resource_type_associations", ASSOCIATION),
}
