"""Wire fields of credentials; the blob only for callers whom policy lets read it."""

from typing import Any

from identity.wire import ID, ID_OR_NULL
from keystore.encryption import decrypt
from openstackapi.fields import Field, Fields


def _blob(row: Any) -> str:
    return decrypt(row.encrypted_blob)


CREDENTIAL = Fields(
    "credential",
    (
        Field("id"),
        Field("user_id", create=True, update=True, required=True, schema=ID),
        Field("project_id", create=True, update=True, schema=ID_OR_NULL),
        Field(
            "type", create=True, update=True, required=True, schema={"type": "string", "minLength": 1, "maxLength": 255}
        ),
        Field("blob", _blob, create=True, update=True, required=True, schema={"type": ["string", "object"]}),
    ),
)
