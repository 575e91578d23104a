"""Numbers and booleans that come as texts, as Neutron takes them; the services behind keep to their own types.

Source: neutron_lib.api.converters (convert_to_int, convert_to_boolean) and oslo_utils.strutils.bool_from_string.
"""

from typing import Any

from common.numbers import is_whole
from common.truth import truth


def converted(value: Any, schema: dict[str, Any]) -> Any:
    """`value` with each text that its JSON Schema wants as a number or a boolean made one. What is neither stays."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: converted(one, properties.get(name, {})) for name, one in value.items()}
    if isinstance(value, list):
        return [converted(one, schema.get("items", {})) for one in value]
    kinds, known = schema.get("type", ()), schema.get("enum", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if "string" in kinds or value in known:
        return value
    if "boolean" in kinds and (said := truth(value)) is not None:
        return said
    wants_number = "integer" in kinds or any(isinstance(one, int) for one in known)
    if wants_number and isinstance(value, str) and is_whole(value.strip().removeprefix("-")):
        return int(value)
    return value
