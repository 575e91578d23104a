"""A row of the verb table: one thing that control may ask of an agent, and how both sides treat it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NamedTuple, TypedDict, TypeVar, cast

from hostagent.contract.failures import ANY, FAILURES

Body = TypeVar("Body")
Answer = TypeVar("Answer")

#: The pool of an agent's threads that carries out a cast: those of quick work, of copies and conversions, of the host's network.
Pool = Literal["quick", "bulk", "network"]


class Nothing(TypedDict):
    """The body, or the answer, of a verb that has nothing to say beyond its name, or beyond `done`."""


class Serial(NamedTuple):
    """The serial queue of a verb: casts for one object, of this kind and named by this key of the body, run one after the other."""

    kind: str
    key: str

    def of(self, id: str) -> str:
        return f"{self.kind}:{id}"


@dataclass(frozen=True, eq=False)
class Verb(Generic[Body, Answer]):
    """Making one puts it into VERBS."""

    name: str  # as it stands on the wire and in rows: never changed, never used again for something else
    body: type[Body]  # a TypedDict; what it requires, a cast must hold
    answer: type[Answer]  # a TypedDict: the body of `done`
    fails: tuple[str, ...] = ()  # the FAILURES that it may end with, besides those of ANY
    serial: Serial | None = None  # None: all casts of this verb, one after the other
    pool: Pool = "quick"
    is_remembered: bool = (
        False  # asked again, it is answered from memory: dear to repeat, and what it made has left the host
    )
    of_any_cloud: bool = False  # served to any database: it changes nothing, or settles which one counts
    secret: tuple[
        str, ...
    ] = ()  # keys of the body for its host's eyes only; version 1 shows them to who reads the broker

    def __post_init__(self) -> None:
        assert self.name not in VERBS and set(self.fails) <= set(FAILURES) - ANY, self.name
        VERBS[self.name] = self

    @property
    def is_bulk(self) -> bool:
        """Whether it comes by the queue of copies, which takes few at a time."""
        return self.pool == "bulk"

    @property
    def needs(self) -> frozenset[str]:
        """The keys that its body must hold."""
        needed: frozenset[str] = cast(Any, self.body).__required_keys__
        return needed

    def serial_queue_of(self, body: Mapping[str, object]) -> str:
        """Return the key of the serial queue in which a cast with this body waits for its turn."""
        return self.name if self.serial is None else self.serial.of(str(body[self.serial.key]))

    def may_fail_with(self, code: str) -> bool:
        return code in ANY or code in self.fails


AnyVerb = Verb[Any, Any]
VERBS: Final[dict[str, AnyVerb]] = {}
