"""Wire fields of roles."""

from identity.projects.fields import OPTIONS
from identity.wire import ID_OR_NULL, NAME, TEXT
from openstackapi.fields import Field, Fields

ROLE = Fields(
    "role",
    (
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=NAME),
        Field("domain_id", create=True, schema=ID_OR_NULL),
        Field("description", create=True, update=True, schema=TEXT),
        Field("options", create=True, update=True, schema=OPTIONS),
    ),
    needs_change=True,
)
