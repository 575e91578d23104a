"""The five verbs that most kinds of identity's things share: a Kind says what differs, two views (identity.views) serve it.

A Kind is the service layer: actor first, policy, one transaction, the epoch touched.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from common.errors import Conflict, Invalid, NotFound
from common.live import announce
from identity import policy
from identity.revocation import services as revocation
from identity.wire import matching
from openstackapi.fields import Fields

Values = dict[str, Any]


class Missing(NotFound):
    template = _("Could not find %(kind)s: %(id)s.")


class Duplicate(Conflict):
    template = _("Conflict occurred attempting to store %(kind)s - Duplicate entry.")


class ImmutableId(Invalid):
    template = _("Cannot change %(kind)s ID.")


class ImmutableDomain(Invalid):
    template = _("Cannot change Domain ID.")


class Kind:
    """One kind of thing. `columns` are the model's columns that clients set, under the wire's own names."""

    model: ClassVar[type[models.Model]]
    name: ClassVar[str]
    plural: ClassVar[str]
    path: ClassVar[str] = ""  # "/regions" when it differs from the plural
    fields: ClassVar[Fields]
    filters: ClassVar[Mapping[str, str]] = {}
    keeps_extra: ClassVar[bool] = True
    flushes: ClassVar[bool] = True  # whether a change may alter what a token may do or see
    fixed: ClassVar[tuple[str, ...]] = ("id",)
    lives_in_domain: ClassVar[bool] = False
    says_missing: ClassVar[tuple[str, ...]] = ()  # verbs by which anyone learns that an id is unknown, as in Keystone
    related: ClassVar[tuple[str, ...]] = ()
    announced: ClassVar[bool] = False  # whether pages follow its changes

    # ── What differs ────────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> models.QuerySet[Any]:
        return self.model._default_manager.select_related(*self.related)

    def rule(self, verb: str, row: Any = None) -> str:
        return f"identity:{verb}_{self.plural if verb == 'list' else self.name}"

    def target(self, row: Any) -> Values:
        """What policy sees of a row, or of the values of one that is to be made."""
        return {}

    def list_target(self, actor: Actor) -> Values:
        return {}

    def mine(self, actor: Actor, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The part of `rows` that the actor's scope may list."""
        return rows

    def incoming(self, actor: Actor, values: Values, row: Any = None) -> Values:
        """Columns to set, checked; `row` is the present one on update. Raises CloudErrors."""
        return values

    def made(self, actor: Actor, row: Any, values: Values) -> None:
        """After the row is there."""

    def leaving(self, actor: Actor, row: Any) -> None:
        """Before the row goes. Raises CloudErrors."""

    def shape(self, body: Values, row: Any) -> Values:
        return body

    # ── The verbs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, id: str, **match: Any) -> Any:
        """The row, without asking policy. Raises: Missing."""
        row = self.rows().filter(pk=id, **match).first()
        if row is None:
            raise Missing(kind=self.name, id=id)
        return row

    def allow(self, actor: Actor, verb: str, id: str) -> Any:
        """The row, if the actor may do `verb` with it. Who may not see it does not learn whether it exists.

        Raises: Forbidden, Missing.
        """
        row = self.rows().filter(pk=id).first()
        if row is None and verb in self.says_missing:
            raise Missing(kind=self.name, id=id)
        enforce(actor, self.rule(verb, row), self.target(row) if row is not None else {})
        if row is None:
            raise Missing(kind=self.name, id=id)
        return row

    def get(self, actor: Actor, id: str) -> Any:
        return self.allow(actor, "get", id)

    def listing(self, actor: Actor, query: Mapping[str, str]) -> models.QuerySet[Any]:
        enforce(actor, self.rule("list"), self.list_target(actor))
        return matching(self.mine(actor, self.rows()), query, self.filters)

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
    def create(self, actor: Actor, values: Values, *, id: str | None = None) -> Any:
        """Raises: Forbidden, Invalid, Duplicate and the kind's own errors."""
        columns, extra = self.split(values)
        enforce(actor, self.rule("create"), self.target(_Draft(self, actor, columns)))
        columns = self.incoming(actor, dict(columns))
        row = self.model(**columns)
        if id is not None:
            row.pk = id
        if extra:
            row.extra = extra
        self._store(row, force_insert=True)
        self.made(actor, row, values)
        if self.flushes:
            revocation.touch()
        return row

    @transaction.atomic
    def update(self, actor: Actor, id: str, values: Values) -> Any:
        """Raises: Forbidden, Missing, Invalid, Duplicate and the kind's own errors."""
        row = self.allow(actor, "update", id)
        for name in self.fixed:
            if name in values and values[name] != getattr(row, name):
                raise ImmutableId(kind=self.name) if name == "id" else ImmutableDomain()
        columns, extra = self.split({name: value for name, value in values.items() if name not in self.fixed})
        for name, value in self.incoming(actor, columns, row).items():
            setattr(row, name, value)
        if extra:
            row.extra = {**row.extra, **extra}
        self._store(row)
        if self.flushes:
            revocation.touch()
        return row

    @transaction.atomic
    def delete(self, actor: Actor, id: str) -> None:
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

    def render(self, row: Any, actor: Actor | None = None) -> Values:
        body = self.fields.render(row, actor=actor)
        return self.shape({**getattr(row, "extra", {}), **body}, row)


class _Draft:
    """The values of a row that is to be made, read like the row itself."""

    def __init__(self, kind: Kind, actor: Actor, values: Values) -> None:
        self._values = values
        if kind.lives_in_domain and values.get("domain_id") is None:
            self._values = {**values, "domain_id": home_domain(actor)}

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["_values"].get(name)


def home_domain(actor: Actor) -> str:
    """The domain of things that are made without naming one."""
    return actor.domain_id or actor.project_domain_id or "default"


def enforce(actor: Actor, rule: str, target: Values | None = None) -> None:
    """Policy with Keystone's own targets. Raises: Forbidden."""
    aim = target or {}
    if not policy.allows(actor, rule, aim):
        raise policy.forbids(actor, rule, aim)
