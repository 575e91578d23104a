"""Facts about a host's place in the cloud for the time when control cannot be asked: kept in its folder, for the next agent too."""

import contextlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Final

from hostagent.process.durable import write_whole

log = logging.getLogger(__name__)

ISOLATED_AFTER: Final = 25.0  # seconds without control; it moves routers at 30


class Standing:
    """`others` is whether another host could take this one's routers, as control said last; None: it never said."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "standing.json"
        self._spoke = folder / "heard"
        self.others: bool | None = None
        try:
            self.others = json.loads(self._said.read_text())["others"]
        except (OSError, ValueError, KeyError, TypeError):
            log.debug("%s says nothing", self._said)

    @property
    def may_be_replaced(self) -> bool:
        """Whether control could have given our routers to somebody. An older control never says: then it could."""
        return self.others is not False

    @property
    def was_silent(self) -> bool:
        """Whether the host spoke once and has not for so long that its routers may live elsewhere by now."""
        try:
            silence = time.time() - self._spoke.stat().st_mtime
        except OSError:
            return False
        return bool(self.others) and not 0 <= silence <= ISOLATED_AFTER

    def hear(self, others: bool) -> None:
        """Control says whether there are others."""
        if others is self.others:
            return
        self.others = others
        try:
            write_whole(self._said, json.dumps({"others": others}))
        except OSError as error:  # said again at each hello
            log.error("%s could not be written: %s", self._said, error)

    def spoke(self) -> None:
        """Note that a heartbeat of this host has left it. A disk that is full keeps no report back."""
        try:
            os.utime(self._spoke)
        except FileNotFoundError:
            with contextlib.suppress(OSError):
                self._spoke.touch()
        except OSError as error:
            log.error("%s could not be written: %s", self._spoke, error)
