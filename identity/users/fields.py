"""Wire fields of users. A password goes in and never comes out."""

from typing import Any

from identity.wire import BOOL, ID, ID_OR_NULL, NAME, TEXT
from openstackapi.fields import Field, Fields, iso_micro

OPTIONS = {
    "type": "object",
    "properties": {
        "ignore_change_password_upon_first_use": {"type": ["boolean", "null"]},
        "ignore_password_expiry": {"type": ["boolean", "null"]},
        "ignore_lockout_failure_attempts": {"type": ["boolean", "null"]},
        "ignore_user_inactivity": {"type": ["boolean", "null"]},
        "lock_password": {"type": ["boolean", "null"]},
        "multi_factor_auth_enabled": {"type": ["boolean", "null"]},
        "multi_factor_auth_rules": {
            "type": ["array", "null"],
            "items": {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            "uniqueItems": True,
        },
    },
    "additionalProperties": False,
}


def expiry(row: Any) -> str | None:
    return iso_micro(row.password_expires_at)


USER = Fields(
    "user",
    (
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=NAME),
        Field("domain_id", create=True, schema=ID),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("default_project_id", create=True, update=True, schema=ID_OR_NULL),
        Field("password", create=True, update=True, show=False, schema=TEXT),
        Field("password_expires_at", expiry, null=True),
        Field("options", create=True, update=True, schema=OPTIONS),
        Field("email", create=True, update=True, schema=TEXT),
        Field("description", create=True, update=True, schema=TEXT),
    ),
    needs_change=True,
)
PASSWORD = {
    "type": "object",
    "properties": {
        "user": {
            "type": "object",
            "properties": {"original_password": {"type": "string"}, "password": {"type": "string"}},
            "required": ["original_password", "password"],
            "additionalProperties": False,
        }
    },
    "required": ["user"],
}
