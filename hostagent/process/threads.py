"""Threads that must not end: each is started again when it dies, and its deaths are counted and told."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

PAUSES: Final = (0.1, 0.5, 2.0, 5.0)  # seconds before each further start, the last one repeated
CALM: Final = 60.0  # seconds of life after which a thread's pauses begin anew

Died = Callable[[str, int, str], None]


class Threads:
    """Runs loops. Listeners are called, on the thread itself, as (name, deaths so far, what it died of)."""

    def __init__(self) -> None:
        self.deaths: dict[str, int] = {}
        self._listeners: list[Died] = []
        self._stopping = threading.Event()

    def on_death(self, listener: Died) -> None:
        self._listeners.append(listener)

    def keep(self, name: str, run: Callable[[], None]) -> threading.Thread:
        """Start a daemon thread that runs `run` until it returns by itself, or raises after `stop`."""
        thread = threading.Thread(target=self._live, args=(name, run), name=name, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Start nothing again. The loops end by what their owners tell them."""
        self._stopping.set()

    def _live(self, name: str, run: Callable[[], None]) -> None:
        tries = 0
        while True:
            begun = time.monotonic()
            try:
                run()
                return
            except Exception as error:
                if self._stopping.is_set():
                    return
                log.exception("thread %s died and is started again", name)
                self._tell(name, error)
            tries = 0 if time.monotonic() - begun > CALM else tries + 1
            if self._stopping.wait(PAUSES[min(max(tries - 1, 0), len(PAUSES) - 1)]):
                return

    def _tell(self, name: str, error: Exception) -> None:
        self.deaths[name] = self.deaths.get(name, 0) + 1
        for listener in self._listeners:
            try:
                listener(name, self.deaths[name], ascii(f"{type(error).__name__}: {error}")[1:300])
            except Exception:
                log.exception("the death of %s could not be told", name)
