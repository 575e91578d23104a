"""The five verbs that most of Keystone's resources share: a `Resource` says what differs, two views (identity.views) serve it.

It is the service layer as well: actor first, policy, one transaction, the epoch touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid, NotFound
from common.live import announce
from identity.revocation import services as revocation
from identity.wire import COMPARISONS, truth
from openstackapi import resource as rest

M = TypeVar("M", bound=models.Model)
Values = dict[str, Any]


class Missing(NotFound):
    template = _("Could not find %(kind)s: %(id)s.")


class Duplicate(Conflict):
    template = _("Conflict occurred attempting to store %(kind)s - Duplicate entry.")


class ImmutableId(Invalid):
    template = _("Cannot change %(kind)s ID.")


class ImmutableDomain(Invalid):
    template = _("Cannot change Domain ID.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(rest.Resource[M]):
    """One of Keystone's resources.

    `path`: where its routes lie, "/<plural>" by default. `fixed`: columns that no update changes. `keeps_extra`: what a body
    has beside the fields is kept and shown. `flushes`: a change may alter what a token may do or see. `says_missing`: verbs
    by which anyone learns that an id is unknown, as in Keystone. `related`: relations that are read with each row.
    `announced`: pages follow its changes. `asked`: what `listing` reads of a query beside columns and filters.
    """

    model: type[M]
    path: str = ""
    keeps_extra: bool = True
    flushes: bool = True
    fixed: tuple[str, ...] = ("id",)
    lives_in_domain: bool = False
    says_missing: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    announced: bool = False
    asked: tuple[str, ...] = ()

    # ── What differs ────────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> models.QuerySet[M]:
        return self.model._default_manager.select_related(*self.related)

    def rule(self, verb: str, row: object = None) -> str:
        return f"identity:{verb}_{self.plural if verb == 'list' else self.name}"

    def target(self, row: object) -> Values:
        """Build what policy sees of a row, or of the values of one that is to be made."""
        return {}

    def list_target(self, actor: RequestContext) -> Values:
        return {}

    def mine(self, actor: RequestContext, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Return the part of `rows` that the actor's scope may list."""
        return rows

    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        """Columns to set, checked; `row` is the present one on update. Raises CloudErrors."""
        return values

    def made(self, actor: RequestContext, row: object, values: Values) -> None:
        """After the row is there."""

    def leaving(self, actor: RequestContext, row: object) -> None:
        """Before the row goes. Raises CloudErrors."""

    def shape(self, body: Values, row: object) -> Values:
        return body

    # ── The verbs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, id: str) -> M:
        """Find a row without asking policy. Raises: Missing."""
        return rest.find(self.rows(), id, partial(Missing, kind=self.name))

    def allow(self, actor: RequestContext, verb: str, id: str) -> M:
        """Find a row, if the actor may do `verb` with it. An actor who may not does not learn whether it exists.

        Raises: Forbidden, Missing.
        """
        row = self.rows().filter(pk=id).first()
        if row is None and verb in self.says_missing:
            raise Missing(kind=self.name, id=id)
        enforce(actor, self.rule(verb, row), self.target(row) if row is not None else {})
        if row is None:
            raise Missing(kind=self.name, id=id)
        return row

    def get(self, actor: RequestContext, id: str) -> M:
        return self.allow(actor, "get", id)

    def listing(self, actor: RequestContext, query: Mapping[str, str]) -> models.QuerySet[M]:
        """Return the rows that an actor may list and that fit a query. Raises: Forbidden."""
        enforce(actor, self.rule("list"), self.list_target(actor))
        return self.matching(self.mine(actor, self.rows()), query)

    def matching(self, rows: models.QuerySet[M], query: Mapping[str, str]) -> models.QuerySet[M]:
        """Narrow rows by a query in which each name stands once."""
        return self.filtered(rows, {name: [text] for name, text in query.items()})

    def condition(self, model: type[models.Model], name: str, values: list[str]) -> models.Q | None:
        """As Keystone reads it: ``name__contains`` and its like compare inside, an empty text is also null."""
        name, _separator, way = name.partition("__")
        column, text = self.columns.get(name), values[-1]
        if column is None or (way and way not in COMPARISONS):
            return None
        if rest.column_type(model, column) == "BooleanField":
            return models.Q(**{column: truth(text)})
        if text == "" and not way:
            return models.Q(**{f"{column}__isnull": True}) | models.Q(**{column: ""})
        return models.Q(**{f"{column}__{way or 'exact'}": text})

    def split(self, values: Values) -> tuple[Values, Values]:
        """(columns, extra)."""
        known = {field.name: field for field in self.fields.fields if field.create or field.update}
        columns = {}
        for name, value in values.items():
            if name in known:
                source = known[name].source
                columns[source if isinstance(source, str) else name] = value
        ignored = {"id", "links", *(field.name for field in self.fields.fields)}
        extra = {name: value for name, value in values.items() if name not in known and name not in ignored}
        return columns, extra if self.keeps_extra else {}

    @transaction.atomic
    def create(self, actor: RequestContext, values: Values, *, id: str | None = None) -> M:
        """Raises: Forbidden, Invalid, Duplicate and the kind's own errors."""
        columns, extra = self.split(values)
        enforce(actor, self.rule("create"), self.target(_Draft(self, actor, columns)))
        columns = self.incoming(actor, dict(columns))
        row = self.model(**columns)
        if id is not None:
            row.pk = id
        if extra:
            setattr(row, "extra", extra)  # noqa: B010 - only some models have it
        self._store(row, force_insert=True)
        self.made(actor, row, values)
        if self.flushes:
            revocation.touch()
        return row

    @transaction.atomic
    def update(self, actor: RequestContext, id: str, values: Values) -> M:
        """Raises: Forbidden, Missing, Invalid, Duplicate and the kind's own errors."""
        row = self.allow(actor, "update", id)
        for name in self.fixed:
            if name in values and values[name] != getattr(row, name):
                raise ImmutableId(kind=self.name) if name == "id" else ImmutableDomain()
        columns, extra = self.split({name: value for name, value in values.items() if name not in self.fixed})
        for name, value in self.incoming(actor, columns, row).items():
            setattr(row, name, value)
        if extra:
            setattr(row, "extra", {**getattr(row, "extra"), **extra})  # noqa: B009, B010
        self._store(row)
        if self.flushes:
            revocation.touch()
        return row

    @transaction.atomic
    def delete(self, actor: RequestContext, id: str) -> None:
        """Raises: Forbidden, Missing and the kind's own errors."""
        row = self.allow(actor, "delete", id)
        self.leaving(actor, row)
        row.delete()
        if self.announced:
            announce(self.name, id)
        if self.flushes:
            revocation.touch()

    def _store(self, row: Any, **how: Any) -> None:
        try:
            with transaction.atomic():
                row.save(**how)
        except IntegrityError:
            raise Duplicate(kind=self.name) from None
        if self.announced:
            announce(self.name, row.pk)

    def rendered(self, objects: Sequence[M], actor: RequestContext | None) -> list[Values]:
        plain = super().rendered(objects, actor)
        return [
            self.shape({**getattr(row, "extra", {}), **body}, row) for row, body in zip(objects, plain, strict=True)
        ]

    def render(self, row: M, actor: RequestContext | None = None) -> Values:
        return self.rendered([row], actor)[0]


class _Draft:
    """The values of a row that is to be made, read like the row itself."""

    def __init__(self, resource: Resource[Any], actor: RequestContext, values: Values) -> None:
        self._values = values
        if resource.lives_in_domain and values.get("domain_id") is None:
            self._values = {**values, "domain_id": home_domain(actor)}

    def __getattr__(self, name: str) -> object:
        return self.__dict__["_values"].get(name)


def home_domain(actor: RequestContext) -> str:
    """Return the domain of things that are made without naming one."""
    return actor.domain_id or actor.project_domain_id or "default"


def enforce(actor: RequestContext, rule: str, target: Values | None = None) -> None:
    """Policy with Keystone's own targets. Raises: Forbidden."""
    aim = target or {}
    if not policy.allows(actor, rule, aim):
        raise policy.forbids(actor, rule, aim)
