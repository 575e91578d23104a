"""Wire fields of domains."""

from identity.projects.fields import OPTIONS, TAGS, tags_of
from identity.wire import BOOL, NAME_64, TEXT
from openstackapi.fields import Field, Fields

_HEX = {"type": "string", "pattern": r"^[0-9a-f]{32}$"}
DOMAIN = Fields(
    "domain",
    (
        Field("id"),
        Field("explicit_domain_id", create=True, show=False, schema=_HEX),
        Field("name", create=True, update=True, required=True, schema=NAME_64),
        Field("description", create=True, update=True, schema=TEXT),
        Field("enabled", create=True, update=True, schema=BOOL),
        Field("tags", tags_of, create=True, update=True, schema=TAGS),
        Field("options", create=True, update=True, schema=OPTIONS),
    ),
)
