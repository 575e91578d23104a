"""Control's clock as an agent knows it: from the answer to a challenge, so that a host's own clock may be wrong."""

import secrets
import threading
import time
from typing import Final

from hostagent.contract.messages import Welcome

NEAR: Final = 10.0  # seconds from a challenge to its answer within which the answer's time is believed
KEPT: Final = 16  # challenges that may still be answered


class ControlClock:
    """`now()` is control's time once it was heard, the host's own before. Safe from any thread."""

    def __init__(self) -> None:
        self.speaks = 1  # the version in which control was heard
        self.is_known = False
        self._offset = 0.0  # control's time less our monotonic clock
        self._asked: dict[str, float] = {}  # challenge → when it was made, monotonic
        self._lock = threading.Lock()

    def now(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset if self.is_known else time.time()

    @property
    def skew(self) -> float:
        """Seconds by which the host's own clock is ahead of control's; 0 while that is not known."""
        return time.time() - self.now() if self.is_known else 0.0

    def challenge(self) -> str:
        """Return a new one, to be sent to control."""
        text = secrets.token_hex(12)
        with self._lock:
            self._asked[text] = time.monotonic()
            while len(self._asked) > KEPT:
                del self._asked[next(iter(self._asked))]
        return text

    def hear(self, body: Welcome) -> bool:
        """Take control's answer to a challenge. False when the challenge is none of ours, or was answered already."""
        with self._lock:
            asked = self._asked.pop(str(body.get("challenge")), None)
        if asked is None:
            return False
        self.speaks = 2
        moment = time.monotonic()
        if moment - asked <= NEAR:
            self._offset = body["time"] - (asked + moment) / 2
            self.is_known = True
        return True
