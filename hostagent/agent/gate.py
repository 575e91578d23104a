"""The check of incoming casts: decrypted or verified, then refused when replayed, late or early."""

import logging
import threading
import time
import typing
from collections.abc import Callable
from typing import Any, Final

from hostagent.agent.clock import ControlClock
from hostagent.agent.settings import HostSettings
from hostagent.contract import VERBS, messages
from hostagent.contract.failures import Failure
from hostagent.contract.messages import Cast
from hostagent.contract.reports import Event
from hostagent.messaging import envelope
from hostagent.process.journal import Journal

log = logging.getLogger(__name__)

REMEMBERED: Final = messages.CAST_LIFE + 2 * messages.WINDOW  # seconds for which a cast's nonce is remembered
TURNS_KEPT: Final = (
    86400.0  # seconds for which the newest turn of a server is remembered: later ones are new in any case
)
TIDY_EVERY: Final = 256  # casts between two looks for what may be forgotten
TELL_EVERY: Final = 5.0  # seconds between two events about refused casts

Tell = Callable[[Event, dict[str, Any]], None]


class Gate:
    """Casts in. `tell(event, facts)` says what was refused; `least` is the oldest version that is accepted."""

    def __init__(self, own: HostSettings, clock: ControlClock, tell: Tell, *, least: int = 1) -> None:
        self._own = own
        self._clock = clock
        self._tell = tell
        self._least = least
        self._nonces = Journal(own.data / "nonces.jsonl")  # nonce → until when it is remembered
        self._turns = Journal(own.data / "generations.jsonl")  # object → [generation, turn, when, step]
        self._lock = threading.Lock()
        self._count = 0
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}
        self.wants_welcome = True

    def close(self) -> None:
        self._nonces.close()
        self._turns.close()

    def admit(self, message: object) -> Cast | None:
        """Return the cast that a message holds, or None: it is not ours, or must not be done; that is said in an event."""
        cast = self._opened(message)
        if cast is None or (cast["verb"] == messages.WELCOME and "challenge" in cast["body"]):
            return cast  # a welcome is as new as the challenge that it answers
        now = self._clock.now()
        sent = _number(cast.get("sent"))
        expires = min(_number(cast.get("expires", sent + messages.CAST_LIFE)), sent + messages.CAST_LIFE)
        if sent > now + messages.WINDOW or now > expires:
            self._refuse("late" if now > expires else "early", cast, skew=now - sent)
            return None
        nonce = str(cast.get("nonce") or cast.get("seal"))  # a version 1 cast is known by its signature
        with self._lock:
            is_new = self._nonces.get(nonce) is None
            self._nonces.set(nonce, round(time.time() + REMEMBERED, 1))
            self._tidy()
        if not is_new:
            self._refuse("replayed", cast)
            return None
        return cast

    def _opened(self, message: object) -> Cast | None:
        if not isinstance(message, dict) or message.get("host") != self._own.name:
            log.warning(
                "%s: a message for %r is dropped", self._own.name, isinstance(message, dict) and message.get("host")
            )
            return None
        keys = self._own.keys()
        cast = next(filter(None, (_opened_with(key, message) for key in keys)), None)
        if cast is None or not isinstance(cast.get("body"), dict) or not isinstance(cast.get("verb"), str):
            self._refuse("forged", typing.cast(Cast, message))
            return None
        if cast["v"] in messages.ACCEPTED_VERSIONS and cast["v"] < self._least:
            self._refuse("old version", cast)
            return None
        return cast

    def _refuse(self, why: str, cast: Cast, **facts: float) -> None:
        """Say so, but not for each of a flood. It is no answer: a replay must not fail the step that it repeats."""
        log.warning("%s: a cast is refused: %s (%s)", self._own.name, why, cast.get("verb", "?"))
        if why in ("late", "early"):
            self.wants_welcome = True  # one of the two clocks may be wrong: control is asked for the time
        self._untold[why] = self._untold.get(why, 0) + 1
        if time.monotonic() - self._told.get(why, -TELL_EVERY) >= TELL_EVERY:
            self._told[why] = time.monotonic()
            about = {"verb": str(cast.get("verb", ""))[:32], "operation": str(cast.get("operation", ""))[:36]}
            rounded = {name: round(value, 1) for name, value in facts.items()}
            self._tell(Event.REFUSED, {"why": why, "count": self._untold.pop(why), **about, **rounded})

    def _tidy(self) -> None:
        self._count += 1
        if self._count % TIDY_EVERY == 1:
            moment = time.time()
            self._nonces.drop_where(lambda until: until < moment)
            self._turns.drop_where(lambda kept: isinstance(kept, list) and kept[2] < moment - TURNS_KEPT)

    def forget_turns(self) -> None:
        """Forget the turns of the database before: another counts from now on, and its generations begin where its rows stand."""
        with self._lock:
            self._turns.drop_where(lambda kept: True)

    def take_turn(self, cast: Cast) -> None:
        """Remember that this cast is acted on. Raises: Failure stale when a later one was acted on before.

        Of one step's casts each may come; quick and bulk casts of a server come by two queues, in any order.
        """
        key, generation, turn = object_of(cast), int(cast.get("generation") or 0), _number(cast.get("turn"))
        if not key or not (turn or generation):
            return
        step = f"{cast['operation']}:{cast.get('step', '')}" if cast.get("operation") else ""
        with self._lock:
            kept = self._turns.get(key) or [0, 0.0, 0.0, ""]
            have, newest, _when, newest_step = kept if isinstance(kept, list) else [kept, 0.0, 0.0, ""]
            if generation and generation < have:
                raise Failure("stale", have=have, got=generation)
            is_new = generation > have
            if turn and turn < newest and not is_new and not (step and step == newest_step):
                raise Failure("stale", have=newest, got=turn)
            turn = turn if is_new else max(turn, newest)
            self._turns.set(key, [max(generation, have), turn, round(time.time()), step])


def _opened_with(key: str, message: dict[str, object]) -> Cast | None:
    if message.get("v") == 2:
        return typing.cast(Cast | None, envelope.open_box(message, key, "order"))
    return typing.cast(Cast, message) if messages.is_signed(message, key) else None


def object_of(cast: Cast) -> str:
    """Return the object whose newest cast this one must not be older than: that of its serial queue; "" where there is none."""
    verb = VERBS[cast["verb"]]
    if verb.serial is not None:
        return verb.serial_queue_of(cast["body"])
    return "" if cast.get("turn") else str(cast.get("subject", ""))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
