"""What looks after a host's networks while the agent runs: one change at a time, leases as events, daemons kept up."""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from hostagent.drivers.network import FailureBody, NetworkDriver, Place, load
from hostagent.metadata import MetadataLink, MetadataServer

if TYPE_CHECKING:
    from hostagent.host import Host

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5  # seconds between looks for new leases
DAEMONS_EVERY: Final = 5.0  # seconds between looks for dead daemons


class Keeper:
    """The network of one host. Safe from any thread."""

    def __init__(self, host: "Host") -> None:
        self.host = host
        place = Place(host.own.data, host.own.run, host.settings.underlay_ip)
        self.driver: NetworkDriver = load(host.settings.drivers["network"], place)
        self.CAPABILITIES = self.driver.CAPABILITIES
        self.real = host.settings.drivers["network"] != "fake"
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._resumed = False
        self._isolated = False
        self._failed: dict[str, FailureBody] = {}
        self._metadata: MetadataServer | None = None

    def start(self) -> None:
        """Make live what the host was last told, say so, then watch. Returns at once."""
        if not self.real:
            self._say_state()
            return
        self._metadata = MetadataServer(
            self.host.own.run / "metadata.sock",
            MetadataLink(self.host.settings.control, self.host.name, self.host.own.key),
        )
        self._metadata.start()
        threading.Thread(target=self._watch, name=f"{self.host.name}-network", daemon=True).start()

    def stop(self) -> None:
        """Let go. Links, rules and daemons stay as they are."""
        self._stopping.set()
        if self._metadata is not None:
            self._metadata.stop()

    # ── Orders ──

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Do one `network.apply`. Returns its answer (contract.VERBS): all pieces and all failures that still stand."""
        self._resume()
        with self._lock:
            failed = self.driver.ensure_pieces(body["pieces"], list(body["remove"]), full=bool(body["full"]))
            self._note(failed)
            return self._state()

    def isolate(self) -> None:
        """Control is silent: give up external legs and floating addresses. May be repeated."""
        with self._lock:
            if not self._isolated:
                self._isolated = True
                log.warning("%s: control is silent: the routers here give up their external legs", self.host.name)
                self.driver.remove_gateways()

    def rejoin(self) -> None:
        """Control is heard again: it learns which routers were given up, and asks for those that still belong here."""
        with self._lock:
            was, self._isolated = self._isolated, False
        if was:
            self._say_state()

    def _note(self, failed: dict[str, FailureBody]) -> None:
        """Remember failures until their piece stands or is wanted no more: each report replaces the one before."""
        for key, why in failed.items():
            log.warning("%s: %s: %s", self.host.name, key, why)
        stand, known = self.driver.read_pieces(), self.driver.read_wanted()
        older = {key: why for key, why in self._failed.items() if key in known and key not in stand}
        self._failed = older | failed

    def _state(self) -> dict[str, Any]:
        state = {"hashes": self.driver.read_pieces(), "failed": dict(self._failed)}
        return {**state, "left_out": self.driver.read_left_out()}

    # ── Watching ──

    def _resume(self) -> None:
        """Once in a process, before anything else."""
        with self._lock:
            if not self._resumed:
                self._note(self.driver.ensure_resumed())
                self._resumed = True

    def _say_state(self) -> None:
        self._resume()
        with self._lock:
            state = self._state()
        self.host.report("network", state)

    def _watch(self) -> None:
        try:
            self._say_state()
        except Exception:  # control asks for the whole document when hashes do not come
            log.exception("%s: the networks could not be resumed", self.host.name)
        next_look = 0.0
        while not self._stopping.wait(LOOK_EVERY):
            try:
                self._say_leases()
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + DAEMONS_EVERY
                    self._keep_daemons()
            except Exception:  # the boundary of a thread that must go on: the next round may succeed
                log.exception("%s: looking after the networks failed", self.host.name)

    def _say_leases(self) -> None:
        with self._lock:
            facts = self.driver.read_leases()
        for fact in facts:
            self.host.event("lease", **fact)

    def _keep_daemons(self) -> None:
        with self._lock:
            started = self.driver.ensure_daemons()
        for name in started:
            log.warning("%s: %s had died and was started again", self.host.name, name)
