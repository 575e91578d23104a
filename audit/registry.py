"""What is recorded of which table: a model says once that it is audited and how, or why it is not. A test asks every model."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from django.apps import apps
from django.db import models

#: Columns of which no change is recorded: they only follow what is.
FOLLOWS = frozenset({"created_at", "updated_at", "revision_number", "revision", "generation"})


@dataclass(frozen=True)
class Audited:
    """How changes of a table are recorded.

    `type`       CADF's type URI of the target
    `secret`     columns of which a record only says that they changed
    `skip`       columns of which no change is recorded, beside FOLLOWS
    `name`       the column that people call it by
    `project`, `domain`  columns that say whose managers see it; "" for none
    `own`        of the initiator's project, for it has none of its own
    `part_of`, `by`  a row is a part of that model's row, which column `by` names: its changes are the whole's
    `part`       what a part is called in the whole's record; `value` the column that tells it
    `subject`    what operations on it call it
    `shown`      column → a function that turns its value into what people read, and `called` what that is called
    `is_operation`  a row is a verb that takes time, of what its `subject_kind` and `subject_id` name
    """

    type: str
    secret: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    name: str = "name"
    project: str = "project_id"
    domain: str = "domain_id"
    own: bool = False
    part_of: str = ""
    by: str = ""
    part: str = ""
    value: str = ""
    subject: str = ""
    shown: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict, hash=False, compare=False)
    called: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)
    is_operation: bool = False


class Plan:
    """A model's columns, sorted once by what is recorded of them."""

    def __init__(self, model: type[models.Model], spec: Audited) -> None:
        self.model, self.spec, self.label = model, spec, model._meta.label
        self.pk = model._meta.pk.attname
        known = {one.attname: one for one in model._meta.concrete_fields}
        self.name, self.project, self.domain = (
            column if column in known else "" for column in (spec.name, spec.project, spec.domain)
        )
        left_out = FOLLOWS | spec.skip | {self.pk}
        self.columns = {name: one for name, one in known.items() if name not in left_out}
        self.secret = spec.secret
        told = {self.pk, *filter(None, (self.name, self.project, self.domain, spec.by))}
        self.told = sorted(told)

    @cached_property
    def defaults(self) -> dict[str, object]:
        """What a column holds when nobody said anything: not worth a line."""
        plain = (one for one in self.columns.values() if not callable(one.default))
        return {one.attname: one.get_default() for one in plain} | {
            one.attname: one.default() for one in self.columns.values() if one.default in (dict, list)
        }


#: A row that is a part of another table's row.
part = partial(Audited, "", project="", domain="", name="")
#: Why changes of a table need no record of their own.
FOLLOWS_OTHERS = "it follows from changes that are recorded"

_specs: dict[str, Audited] = {}
_silent: dict[str, str] = {}
_plans: dict[type[models.Model], Plan | None] = {}
_subjects: dict[str, Plan] = {}
_domains_of: Callable[[Collection[str]], dict[str, str]] = lambda project_ids: {}  # noqa: E731


def declare(specs: Mapping[str, Audited], silent: Mapping[str, str] | None = None) -> None:
    """Say what is audited, and of which tables nothing is and why, by model label. Apps do so in their `tables.py`."""
    _specs.update(specs)
    _silent.update(silent or {})
    _plans.clear()
    for label, spec in specs.items():
        if spec.subject:
            _subjects[spec.subject] = Plan(apps.get_model(label), spec)


def use(domains_of: Callable[[Collection[str]], dict[str, str]]) -> None:
    """Have `domains_of` give the domain of each project that has one."""
    global _domains_of
    _domains_of = domains_of


def declared() -> tuple[dict[str, Audited], dict[str, str]]:
    """(label → how it is audited, label → why it is not)."""
    return dict(_specs), dict(_silent)


def plan(model: type[models.Model]) -> Plan | None:
    """How changes of a model are recorded, None when they are not. A proxy is as the model that has the table."""
    try:
        return _plans[model]
    except KeyError:
        real: Any = model._meta.concrete_model
        spec = _specs.get(real._meta.label)
        found = _plans[model] = Plan(real, spec) if spec is not None else None
        return found


def plan_of(label: str) -> Plan:
    found = plan(apps.get_model(label))
    assert found is not None, f"{label} has parts and is not audited itself"
    return found


def subject(kind: str) -> Plan | None:
    """Build the model of an operation's subject."""
    return _subjects.get(kind)


def domains_of(project_ids: Collection[str]) -> dict[str, str]:
    return _domains_of(project_ids) if project_ids else {}
