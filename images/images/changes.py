"""JSON patches of an image, in Glance's two dialects.

`application/openstack-images-v2.1-json-patch`: {"op": "replace", "path": "/name", "value": …};
`application/openstack-images-v2.0-json-patch`: {"replace": "/name", "value": …}.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from images.images.errors import ReadOnly, Reserved, WrongPatchType
from images.images.fields import BASE, READ_ONLY, RESERVED, RESERVED_NAMESPACE, check_values

OLDER: Final = "application/openstack-images-v2.0-json-patch"
NEWER: Final = "application/openstack-images-v2.1-json-patch"
DIALECTS: Final = {OLDER: 4, NEWER: 10}
OPERATIONS: Final = ("add", "remove", "replace")


class BadPatch(Invalid):
    template = _("%(reason)s")


@dataclass(frozen=True)
class Change:
    """One operation on one attribute. `strict`: adding what is there already is refused (the older dialect)."""

    op: str
    name: str
    value: Any = None
    strict: bool = False


def parse(content_type: str, body: object) -> list[Change]:
    """Raises: WrongPatchType, BadPatch, ReadOnly, Reserved, SchemaRefused."""
    media = content_type.partition(";")[0].strip().lower()
    if media not in DIALECTS:
        raise WrongPatchType(content_type=media, allowed=", ".join(sorted(DIALECTS)))
    if not isinstance(body, list):
        raise BadPatch(reason=_("Request body must be a JSON array of operation objects."))
    return [_change(raw, DIALECTS[media]) for raw in body]


def _change(raw: object, draft: int) -> Change:
    if not isinstance(raw, dict):
        raise BadPatch(reason=_("Operations must be JSON objects."))
    op, path = _operation(raw, draft)
    name = _name_of(path)
    if name in READ_ONLY:
        raise ReadOnly(name=name)
    if name in RESERVED or name.startswith(RESERVED_NAMESPACE):
        raise Reserved(name=name)
    if op == "remove":
        return Change(op, name)
    if "value" not in raw:
        raise BadPatch(reason=_('Operation "%(op)s" requires a member named "value".'), op=op)
    if name != "locations":
        check_values({name: raw["value"]})
    return Change(op, name, raw["value"], strict=draft == 4)


def _operation(raw: dict[str, object], draft: int) -> tuple[str, object]:
    known = ", ".join(OPERATIONS)
    if draft == 10:
        op = raw.get("op")
        if op not in OPERATIONS:
            raise BadPatch(
                reason=_("Invalid operation: `%(op)s`. It must be one of the following: %(known)s."), op=op, known=known
            )
        if "path" not in raw:
            raise BadPatch(reason=_("Unable to find 'path' in JSON Schema change"))
        return op, raw["path"]
    found = [op for op in OPERATIONS if op in raw]
    if len(found) != 1:
        raise BadPatch(
            reason=_('Operation objects must contain exactly one member named "add", "remove", or "replace".')
        )
    return found[0], raw[found[0]]


def _name_of(pointer: object) -> str:
    """The attribute a JSON pointer names; only one level deep, but for locations."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise BadPatch(reason=_('Pointer `%(pointer)s` does not start with "/".'), pointer=pointer)
    if re.search(r"/\s*?/", pointer[1:]) or (len(pointer) > 1 and pointer.endswith("/")) or not pointer[1:].strip():
        raise BadPatch(reason=_("Pointer `%(pointer)s` does not contain a valid token."), pointer=pointer)
    if re.search("~[^01]", pointer) or pointer.endswith("~"):
        raise BadPatch(
            reason=_('Pointer `%(pointer)s` contains "~" not part of a recognized escape sequence.'), pointer=pointer
        )
    parts = [part.replace("~1", "/").replace("~0", "~").strip() for part in pointer[1:].split("/")]
    if len(parts) > 1 and parts[0] != "locations":
        raise BadPatch(reason=_("Invalid JSON pointer for this resource: '/%(pointer)s'"), pointer="/".join(parts))
    return parts[0]


def is_base(name: str) -> bool:
    return name in BASE
