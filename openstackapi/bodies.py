"""Request bodies: parsed, limited, and held against a JSON Schema that is compiled once."""

import re
from collections.abc import Callable

import fastjsonschema
import orjson
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, TooLarge
from openstackapi.fields import Schema

Check = Callable[[object], object]
_compiled: dict[int, tuple[object, Check]] = {}


class NotJson(Invalid):
    template = _(
        "The server could not comply with the request since it is either malformed or otherwise incorrect: %(why)s."
    )


class NulCharacter(Invalid):
    template = _("The request holds a NUL character, which no name or value may have.")


class SchemaRefused(Invalid):
    template = _("Invalid input for field/attribute %(name)s. Value: %(value)s. %(why)s")


def read(request: HttpRequest) -> bytes:
    """Read the raw body, at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes. nginx gives bodies whole and with their length.

    Raises: TooLarge.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise TooLarge(limit=limit)
    return request.body


def parse(request: HttpRequest) -> object:
    """Return the body as JSON; an empty body is None.

    NUL characters are refused here for all services: PostgreSQL cannot keep them.

    Raises: NotJson, NulCharacter, TooLarge.
    """
    raw = read(request)
    if not raw.strip():
        return None
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJson(why=_("the body is not JSON (%(error)s)"), error=str(error)) from error
    if b"\\u0000" in raw and _holds_nul(data):  # JSON has no other way to say it
        raise NulCharacter()
    return data


def _holds_nul(data: object) -> bool:
    if isinstance(data, str):
        return "\0" in data
    if isinstance(data, dict):
        return any("\0" in name or _holds_nul(value) for name, value in data.items())
    return isinstance(data, list) and any(_holds_nul(item) for item in data)


def refuse_nul(request: HttpRequest) -> None:
    """Refuse a NUL character in the path or the query. Raises: NulCharacter."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise NulCharacter()


def validate(data: object, schema: Schema) -> object:
    """`data` when it fits `schema` (draft 7).

    Raises: SchemaRefused naming the attribute, its value and the rule.
    """
    known = _compiled.get(id(schema))
    if known is None:
        check = fastjsonschema.compile(schema, use_default=False, formats=FORMATS)
        known = _compiled[id(schema)] = (schema, check)
    try:
        return known[1](data)
    except fastjsonschema.JsonSchemaValueException as error:
        name = re.sub(r"^data\.?", "", error.name or "") or "body"
        value = orjson.dumps(error.value, default=str).decode()[:200]
        why = re.sub(r"^data(\S*) ", lambda m: f"{m.group(1).lstrip('.') or 'The body'} ", error.message) + "."
        raise SchemaRefused(name=name, value=value, why=why[:600]) from error


#: Formats that OpenStack's schemas use. Values are regular expressions or functions on the text.
FORMATS: dict[str, str] = {
    "uuid": r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\Z",
    "uri": r"^\w+:(\/?\/?)[^\s]+\Z",
    "base64": r"^[A-Za-z0-9+/=\s]*\Z",
    "mac-address": r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\Z",
}
