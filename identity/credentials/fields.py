"""Wire fields of credentials; the blob only for callers whom policy lets read it."""

from typing import Any

from identity.credentials.places import BLOB
from identity.wire import ID, ID_OR_NULL
from keystore.encryption import Unopenable, decrypt
from openstackapi.fields import Field, Fields


def blob_of(row: Any) -> str:
    """Empty where no key opens it: one such row must not keep the others of a list from their reader."""
    try:
        return decrypt(row.encrypted_blob, BLOB(row.pk))
    except Unopenable:
        return ""


CREDENTIAL = Fields(
    "credential",
    (
        Field("id"),
        Field("user_id", create=True, update=True, required=True, schema=ID),
        Field("project_id", create=True, update=True, schema=ID_OR_NULL),
        Field(
            "type", create=True, update=True, required=True, schema={"type": "string", "minLength": 1, "maxLength": 255}
        ),
        Field("blob", blob_of, create=True, update=True, required=True, schema={"type": ["string", "object"]}),
    ),
)
