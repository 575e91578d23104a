"""Fields declared once: the answer function, the request's JSON Schema and OpenAPI all come from here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from authorization.context import RequestContext

Version = tuple[int, int]
Row = Any  # a dict from .values(), or a model instance
Schema: TypeAlias = dict[str, Any]  # JSON Schema
ANY: Version = (0, 0)


@dataclass(frozen=True)
class Field:
    """One attribute on the wire.

    `source` is a column name, or a function of the row; None means the field's own name. `since`/`until` are the first
    and last microversions that show it. `admin` hides it from everyone else. `create`/`update`/`required` say where a
    client may send it; `schema` is the JSON Schema of what it may send when the bare type does not say enough, `shown` of
    what is shown when that differs.
    """

    name: str
    source: str | Callable[[Row], object] | None = None
    type: str = "string"
    null: bool = False
    since: Version | None = None
    until: Version | None = None
    admin: bool = False
    create: bool = False
    update: bool = False
    required: bool = False
    schema: Schema | None = None
    shown: Schema | None = None
    show: bool = True  # False: only sent by clients, never shown
    doc: str = ""
    items: str = ""  # of an array: the type of what is in it

    def visible(self, version: Version, is_admin: bool) -> bool:
        if not self.show or (self.admin and not is_admin):
            return False
        return self.in_version(version)

    def in_version(self, version: Version) -> bool:
        if version == ANY:
            return self.until is None
        return (self.since is None or version >= self.since) and (self.until is None or version <= self.until)

    def as_schema(self) -> Schema:
        if self.schema is not None:
            return self.schema
        kind = "string" if self.type == "datetime" else self.type
        out: Schema = {"type": [kind, "null"] if self.null else kind}
        if self.type == "datetime":
            out["format"] = "date-time"
        if self.items:
            out["items"] = {"type": self.items}
        if self.doc:
            out["description"] = self.doc
        return out


def iso_z(value: datetime | None) -> str | None:
    """``2026-01-02T03:04:05Z``: Nova's, Glance's and Neutron's form."""
    if value is None:
        return None
    value = value.astimezone(UTC) if value.tzinfo else value
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{value.hour:02d}:{value.minute:02d}:{value.second:02d}Z"


def iso_micro_z(value: datetime | None) -> str | None:
    """``2026-01-02T03:04:05.000000Z``: Keystone's form."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_micro(value: datetime | None) -> str | None:
    """``2026-01-02T03:04:05.000000``: Cinder's form, and Nova's for launched_at."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def text_z(text: str | None) -> str | None:
    """`iso_z` of a time that the database gave as text, ``2026-01-02 03:04:05.000000``: long lists read no datetimes."""
    return f"{text[:10]}T{text[11:19]}Z" if text else None


def text_micro(text: str | None) -> str | None:
    """`iso_micro` of a time that the database gave as text; its fraction is shown as zero."""
    return f"{text[:10]}T{text[11:19]}.000000" if text else None


class Fields:
    """The fields of one resource, in wire order."""

    def __init__(
        self,
        name: str,
        fields: Iterable[Field],
        *,
        time: Callable[[datetime | None], str | None] = iso_z,
        needs_change: bool = False,
    ) -> None:
        self.name = name
        self.needs_change = needs_change  # an update that names nothing is refused
        self.fields = tuple(fields)
        self.time = time
        self._plans: dict[tuple[Version, bool], list[tuple[str, Callable[[Row], object]]]] = {}
        self._schemas: dict[tuple[str, Version], Schema] = {}

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _getter(self, field: Field) -> Callable[[Row], object]:
        source = field.source if field.source is not None else field.name
        if callable(source):
            return source
        if field.type == "datetime":
            time = self.time
            return lambda row: time(row[source] if isinstance(row, dict) else getattr(row, source))
        return lambda row: row[source] if isinstance(row, dict) else getattr(row, source)

    def plan(self, version: Version = ANY, is_admin: bool = False) -> list[tuple[str, Callable[[Row], object]]]:
        key = (version, is_admin)
        plan = self._plans.get(key)
        if plan is None:
            shown = [field for field in self.fields if field.visible(version, is_admin)]
            plan = self._plans[key] = [(field.name, self._getter(field)) for field in shown]
        return plan

    def render(self, row: Row, version: Version = ANY, actor: RequestContext | None = None) -> dict[str, object]:
        """Build one row as the wire shows it."""
        return {name: get(row) for name, get in self.plan(version, actor is not None and actor.is_admin)}

    def render_many(
        self, rows: Iterable[Row], version: Version = ANY, actor: RequestContext | None = None
    ) -> list[dict[str, object]]:
        plan = self.plan(version, actor is not None and actor.is_admin)
        return [{name: get(row) for name, get in plan} for row in rows]

    # ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _request(self, verb: str, version: Version, extra: bool) -> Schema:
        key = (f"{verb}{extra}", version)
        schema = self._schemas.get(key)
        if schema is None:
            sent = [f for f in self.fields if getattr(f, verb) and f.in_version(version)]
            inner: Schema = {
                "type": "object",
                "properties": {f.name: f.as_schema() for f in sent},
                "additionalProperties": extra,
            }
            needed = [f.name for f in sent if f.required and verb == "create"]
            if needed:
                inner["required"] = needed
            if self.needs_change and verb == "update":
                inner["minProperties"] = 1
            schema = {"type": "object", "properties": {self.name: inner}, "required": [self.name]}
            self._schemas[key] = schema
        return schema

    def create_schema(self, version: Version = ANY, *, extra: bool = False) -> Schema:
        """JSON Schema of ``{"<name>": {…}}`` that creates one. `extra` allows unknown attributes."""
        return self._request("create", version, extra)

    def update_schema(self, version: Version = ANY, *, extra: bool = False) -> Schema:
        return self._request("update", version, extra)

    def json_schema(self, version: Version = ANY) -> Schema:
        """JSON Schema of one as it is shown, for OpenAPI."""
        shown = [f for f in self.fields if f.visible(version, True)]
        return {"type": "object", "properties": {field.name: self._shown(field) for field in shown}}

    def _shown(self, field: Field) -> Schema:
        schema = {**(field.shown or field.as_schema()), **({"description": field.doc} if field.doc else {})}
        if self.time is iso_micro and schema.get("format") == "date-time":
            del schema["format"]  # which needs an offset
        return schema
