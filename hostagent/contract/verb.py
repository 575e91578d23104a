"""A row of the verb table: one thing that control may order of an agent, and how both sides treat it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NamedTuple, TypedDict, TypeVar, cast

from hostagent.contract.failures import ANY, FAILURES

Body = TypeVar("Body")
Answer = TypeVar("Answer")

#: Which of an agent's threads do an order: those of quick work, of copies and conversions, of the host's network.
Pool = Literal["quick", "bulk", "network"]


class Nothing(TypedDict):
    """The body, or the answer, of a verb that has nothing to say beyond its name, or beyond `done`."""


class Lane(NamedTuple):
    """What orders are done one after the other for: a kind of object, named by this key of the body."""

    kind: str
    key: str

    def of(self, id: str) -> str:
        return f"{self.kind}:{id}"


@dataclass(frozen=True, eq=False)
class Verb(Generic[Body, Answer]):
    """Making one puts it into VERBS."""

    name: str  # as it stands on the wire and in rows: never changed, never used again for something else
    body: type[Body]  # a TypedDict; what it requires, an order must hold
    answer: type[Answer]  # a TypedDict: the body of `done`
    fails: tuple[str, ...] = ()  # the FAILURES that it may end with, besides those of ANY
    lane: Lane | None = None  # None: all orders of this verb, one after the other
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

    def lane_of(self, body: Mapping[str, Any]) -> str:
        """The key of the lane in which an order with this body is done."""
        return self.name if self.lane is None else self.lane.of(str(body[self.lane.key]))

    def may_fail_with(self, code: str) -> bool:
        return code in ANY or code in self.fails


VERBS: Final[dict[str, Verb[Any, Any]]] = {}
