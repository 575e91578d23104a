"""Wire fields of groups."""

from identity.wire import ID_OR_NULL, NAME_64, TEXT
from openstackapi.fields import Field, Fields

GROUP = Fields(
    "group",
    (
        Field("id"),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("name", create=True, update=True, required=True, schema=NAME_64),
        Field("description", create=True, update=True, schema=TEXT),
    ),
    needs_change=True,
)
