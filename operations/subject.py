"""The lifecycle of a subject: a row that verbs and flows work on, over its table of states.

A resource's `states.py` is a `Lifecycle`: its states, each with a sentence, and its verbs: from where, what it is meanwhile, to where.
Its model is a `Subject` of it. `why_not` is the one reading of that table: a service raises what it says, a page greys a button by it,
and docs/states.md shows it (manage.py states).
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, Data, render, sentence
from common.live import announce


@dataclass(frozen=True)
class Verb:
    """One verb of a lifecycle.

    `start`: the states in which it may begin. `task`: what the task column says while it runs, or the state meanwhile where a
    lifecycle has no such column; "": nothing. `ends`: the state it leads to; None: the one in which it began. `action`: its name in
    histories and answers. `preempts`: it may be asked for while another verb runs, and waits until that ended or unwound.
    `is_waited_for`: the next verb may be asked for while this one runs, and begins after it.
    """

    start: AbstractSet[str]
    task: str
    ends: str | None
    action: str = ""
    preempts: bool = False
    is_waited_for: bool = False


class Why(Enum):
    """Why a verb may not begin, with the words for it beside the subject; %(status)s is the subject's, as people see it."""

    LOCKED = _("It is locked")
    STATE = _("Not while it is in the state %(status)s")
    BUSY = _("Wait until it is at rest")
    DELETING = _("It is being deleted")


@dataclass(frozen=True)
class Refusal:
    """Why a verb may not begin now: the error that an API answers, and the words for a greyed button of the subject's page."""

    error: CloudError
    words: str
    why: Why | None = None


@dataclass(frozen=True)
class Lifecycle:
    """A resource's table of states. `kind` is its name in operations, holds, channels and live updates.

    `column` holds the stable state; `task_column`, if there is one, what is being done to it, None in a stable state. `error`: the state
    after a failure that no other state tells; `gone`: that of one that was deleted and stays as a row. `on_stable`: what else is
    written when it reaches a stable state; `first_at`: for states, the column of the time when it first reached them.
    """

    kind: str
    states: Mapping[str, str]
    verbs: Mapping[str, Verb]
    column: str = "status"
    task_column: str = ""
    error: str = ""
    gone: str = ""
    on_stable: Callable[[str], Data] = field(default=lambda state: {})
    first_at: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, verb in self.verbs.items():
            unknown = {*verb.start, verb.ends or next(iter(self.states))} - self.states.keys()
            if not self.task_column and verb.task:
                unknown |= {verb.task} - self.states.keys()
            if unknown:
                raise ValueError(
                    f"{self.kind}: the verb {name} names states that are not in the table: {sorted(unknown)}"
                )
        _LIFECYCLES[self.kind] = self

    def why_not(self, name: str, *, state: str, task: str | None = None, is_locked: bool = False) -> Why | None:
        """Why a verb may not begin in a state, while `task` is being done; None: it may."""
        verb = self.verbs[name]
        if is_locked:
            return Why.LOCKED
        if state not in verb.start:
            return Why.STATE
        if task and self.is_deleting(task):
            return Why.DELETING
        return Why.BUSY if task and not verb.preempts else None

    def is_deleting(self, task: str | None) -> bool:
        """Whether what is being done is a verb for which others make way, such as the deletion."""
        return any(verb.preempts and verb.task == task for verb in self.verbs.values())


_LIFECYCLES: dict[str, Lifecycle] = {}
_MODELS: dict[str, "type[Subject]"] = {}


def model_of(kind: str) -> "type[Subject]":
    """Return the model of a kind of subject."""
    return _MODELS[kind]


def lifecycles() -> list[Lifecycle]:
    """List every lifecycle, by kind."""
    return [_LIFECYCLES[kind] for kind in sorted(_LIFECYCLES)]


if TYPE_CHECKING:

    class _Model(models.Model):
        id: models.CharField[str, str]
        project_id: Any

        class Meta:
            abstract = True
else:
    _Model = object


class Subject(_Model):
    """A model's part of being the subject of verbs. The model has `id`, `project_id`, `updated_at` and the lifecycle's columns."""

    lifecycle: ClassVar[Lifecycle]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "lifecycle" in cls.__dict__:
            _MODELS[cls.lifecycle.kind] = cls

    @classmethod
    def locked_by_id(cls, id: str) -> Self:
        """Find the row, locked. Raises: DoesNotExist."""
        return cls._default_manager.select_for_update().get(id=id)

    @property
    def state(self) -> str:
        """The stable state."""
        return str(getattr(self, self.lifecycle.column))

    @property
    def task(self) -> str | None:
        """The task that is being done to it; None in a stable state."""
        column = self.lifecycle.task_column
        return getattr(self, column) or None if column else None

    @property
    def is_deleting(self) -> bool:
        """Whether its deletion is going on, or waits for its turn."""
        return self.lifecycle.is_deleting(self.task)

    def refused(self, verb: Verb, why: Why) -> CloudError:
        """Return the error that the resource's API answers for a verb that may not begin."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of what may not be done with it")

    def why_not(self, name: str, *, override: bool = False, idle: bool = False) -> Refusal | None:
        """Why a verb may not begin now; None: it may.

        With `override` a lock counts for nothing, with `idle` what is being done does not.
        """
        is_locked = bool(getattr(self, "locked", False)) and not override
        task = None if idle else self.task
        why = self.lifecycle.why_not(name, state=self.state, task=task, is_locked=is_locked)
        if why is None:
            return self.refusal_besides(name)
        said = why
        if why is Why.STATE and task:  # what is going on may change the state: people are told that
            said = Why.DELETING if self.is_deleting else Why.BUSY
        words = render(said.value, {"status": getattr(self, "status", self.state)})
        return Refusal(self.refused(self.lifecycle.verbs[name], why), words, why)

    def refusal_besides(self, name: str) -> Refusal | None:
        """Why what no table of states knows keeps it from a verb, such as what its host can do; None: nothing does."""
        return None

    def may_override(self, actor: RequestContext) -> bool:
        """Whether its lock counts for nothing to the actor."""
        return False

    def allow(self, name: str, *, override: bool = False) -> Verb:
        """Return the verb, if it may begin now. Raises: what `refused` says."""
        refusal = self.why_not(name, override=override)
        if refusal is not None:
            raise refusal.error
        return self.lifecycle.verbs[name]

    def begin(self, name: str, /, *, override: bool = False, **also: object) -> None:
        """Write a verb's intent, and the columns `also`, in the caller's transaction. Raises: as allow()."""
        verb = self.allow(name, override=override)
        if self.lifecycle.task_column:
            also[self.lifecycle.task_column] = verb.task or None
        elif verb.task:
            also[self.lifecycle.column] = verb.task
        self.change(name, **also)

    def finalize(self, state: str, /, **also: object) -> None:
        """Bring it to a stable state; nothing is being done to it any more."""
        if self.lifecycle.task_column:
            also[self.lifecycle.task_column] = None
        first_at = self.lifecycle.first_at.get(state)
        if first_at and getattr(self, first_at) is None:
            also.setdefault(first_at, now())
        self.change(**{self.lifecycle.column: state, **self.lifecycle.on_stable(state), **also})

    def end(self, name: str, /, **also: object) -> None:
        """Bring it to the stable state in which a verb ends."""
        self.finalize(self.lifecycle.verbs[name].ends or self.state, **also)

    def change(self, what: str = "update", /, **values: object) -> None:
        """Write these columns, and announce that the subject changed: by which verb, from which state to which."""
        before = self.state
        values["updated_at"] = now()
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))
        announce(self.lifecycle.kind, self.id, self.project_id, what=what, before=before, after=self.state)


class HostSubject(Subject):
    """A subject that hosts are asked about by RPC. Besides it has `generation` and `fault_code`, `fault_data`, `fault_at`."""

    #: Rises with each verb: a host refuses a cast older than the newest it acted on.
    generation: int
    host: str
    fault_code: str
    fault_data: Data

    def begin(self, name: str, /, *, override: bool = False, **also: object) -> None:
        """Write a verb's intent with a new generation. Raises: as allow()."""
        super().begin(name, override=override, generation=self.generation + 1, **also)

    def finalize(self, state: str, /, **also: object) -> None:
        """Bring it to a stable state; a fault it had is over."""
        super().finalize(state, fault_code="", fault_data={}, **also)

    def fail(self, state: str, code: str, data: Data, /, **also: object) -> None:
        """Bring it to a stable state with a fault. A deletion that waits stays announced."""
        if self.lifecycle.task_column:
            also[self.lifecycle.task_column] = self.task if self.is_deleting else None
        also[self.lifecycle.column] = state
        self.change(fault_code=code, fault_data=data, fault_at=now(), **also)

    @property
    def fault_message(self) -> str:
        """The fault as a sentence in the active language, "" without one."""
        return sentence(self.fault_code, self.fault_data) if self.fault_code else ""
