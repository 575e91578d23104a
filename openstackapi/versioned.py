"""Differences between an API's versions, as data: in which versions a thing is there, and its value from one on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from openstackapi.fields import Schema, Version

T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """Versions from `since` to `until`, both counted; None is open. Asked by `version in span`."""

    since: Version | None = None
    until: Version | None = None

    def __contains__(self, version: Version) -> bool:
        return (self.since is None or version >= self.since) and (self.until is None or version <= self.until)


class ByVersion(Generic[T]):
    """Values by the first version in which each holds; it holds until the next one's."""

    def __init__(self, values: Mapping[Version, T]) -> None:
        self._values = sorted(values.items(), key=lambda item: item[0], reverse=True)

    def at(self, version: Version) -> T:
        """Tell which value holds in a version. Raises: LookupError before the first."""
        for since, value in self._values:
            if version >= since:
                return value
        raise LookupError(f"nothing holds in {version}")

    @property
    def newest(self) -> T:
        return self._values[0][1]


class Names:
    """Names that a list of parameters, columns or keys has, each from a version on: `Names({"limit": (2, 58)})`."""

    def __init__(self, since: Mapping[str, Version]) -> None:
        self.since = dict(since)

    def at(self, version: Version) -> tuple[str, ...]:
        """List those that a version has, in their order."""
        return tuple(name for name, since in self.since.items() if version >= since)


@dataclass(frozen=True)
class Property:
    """One property of a body. `since` and `until` are the first and last versions that take it; `required`: where it must be."""

    name: str
    schema: Schema | ByVersion[Schema]
    since: Version | None = None
    until: Version | None = None
    required: bool | Span = False

    def at(self, version: Version) -> Schema | None:
        """Give its schema in a version, None where the version has no such property."""
        if version not in Span(self.since, self.until):
            return None
        return self.schema.at(version) if isinstance(self.schema, ByVersion) else self.schema

    def required_at(self, version: Version) -> bool:
        return self.required if isinstance(self.required, bool) else version in self.required


def body_schema(properties: Iterable[Property], version: Version, *, extra: bool | Span = False) -> Schema:
    """Build the JSON Schema of an object as a version has it. `extra` allows unknown properties, where it is a span in its versions."""
    found = [(one, schema) for one in properties if (schema := one.at(version)) is not None]
    return {
        "type": "object",
        "properties": {one.name: schema for one, schema in found},
        "required": [one.name for one, _schema in found if one.required_at(version)],
        "additionalProperties": extra if isinstance(extra, bool) else version in extra,
    }
