"""Trouble on the way between control and its hosts, and the death of control."""

import random
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from hostagent.messaging import envelope
from tests.simulated.agents import Close

KEY = "cd" * 32  # of every simulated host
Order = dict[str, Any]


class Crash(BaseException):
    """Ends a step as the death of its process would: its transaction is taken back."""


class Sent:
    """An order on its way, as the sealed message that control sent."""

    def __init__(self, host: str, message: dict[str, Any]) -> None:
        self.host, self.message = host, message

    @cached_property
    def order(self) -> Order:
        found = envelope.open_box(self.message, KEY, "order") if self.message["v"] > 1 else self.message
        assert found is not None
        return found

    @property
    def verb(self) -> str:
        return str(self.order["verb"])

    def again(self) -> "Sent":
        """The same order under a new seal, so that the agent's replay check lets it pass: its tasks must bear it too."""
        plain = {name: value for name, value in self.order.items() if name not in ("v", "nonce", "seal")}
        return Sent(self.host, envelope.close(plain, KEY, "order"))


class Said(NamedTuple):
    """A report on its way. It is numbered and sealed each time it arrives, so that control's replay check lets it pass."""

    close: Close
    report: dict[str, Any]


class Trouble:
    """`kinds` may hold: doubled (each message comes twice) · reordered · lost (each comes only the second time)."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self._chance = random.Random(7)
        self._lost: set[tuple[Any, ...]] = set()
        self._past: list[Said] = []

    def wake_ups(self, jobs: list[str], *, are_the_clocks: bool) -> list[str]:
        """Those that arrive. Lost ones do not, but for those of control's clock."""
        if "lost" in self.kinds and not are_the_clocks:
            return []
        return jobs * 2 if "doubled" in self.kinds else jobs

    def orders(self, sent: list[Sent]) -> Iterator[Sent]:
        """Those that arrive, in the order in which they do."""
        if "reordered" in self.kinds:
            self._chance.shuffle(sent)
        for one in sent:
            if "lost" not in self.kinds or not self._is_lost(
                ("order", one.host, one.order.get("operation"), one.order.get("step"), one.verb)
            ):
                yield one
            if "doubled" in self.kinds:
                yield one.again()

    def reports(self, said: list[Said]) -> list[Said]:
        """Those of one host's newest reports that arrive."""
        found = []
        for one in said:
            report = one.report
            what = ("report", report["host"], report["operation"], report["step"], report["kind"])
            found += [] if self._is_lost(what) else [one] * (2 if "doubled" in self.kinds else 1)
        return found

    def late_reports(self, said: list[Said]) -> list[Said]:
        """All reports of a turn in another order, then the last six of earlier turns once more."""
        self._chance.shuffle(said)
        again = self._past[-6:]
        self._past += [one for one in said if one.report["kind"] != "network"]
        return [*said, *again]

    def _is_lost(self, what: tuple[Any, ...]) -> bool:
        """Whether this message is lost. Each is once; whoever sent it sends another."""
        if "lost" not in self.kinds or what in self._lost:
            return False
        self._lost.add(what)
        return True
