"""What looks after a host's networks while the agent runs: one change at a time, leases as events, daemons kept up."""

import logging
import threading
from typing import Any, Final

from hostagent.agent.metadata import MetadataLink, MetadataServer
from hostagent.contract.failures import FailureBody
from hostagent.contract.network import NetworkApply, NetworkChange, NetworkState, PortProbe
from hostagent.contract.reports import Event, Kind
from hostagent.contract.setaside import is_many
from hostagent.drivers.context import HostContext
from hostagent.drivers.loading import driver_class
from hostagent.drivers.network import Place
from hostagent.drivers.registry import FAKE

log = logging.getLogger(__name__)

WHY: Final = "control neither wants this piece nor knows that it is gone"
LOOK_EVERY: Final = 0.5  # seconds between looks for new leases


class Keeper:
    """The network of one host. Safe from any thread."""

    def __init__(self, host: HostContext) -> None:
        self.host = host
        place = Place(host.own.data, host.own.run, host.settings.underlay_ip, host.daemons)
        self.driver = driver_class(host.settings.drivers.main("network"), "network")(place)
        self.real = host.settings.drivers.main("network").driver != FAKE
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._resumed = False
        self._isolated = False
        self._has_given_up = False  # isolation was begun, and perhaps not ended
        self._failed: dict[str, FailureBody] = {}
        self._metadata: MetadataServer | None = None

    def start(self) -> None:
        """Make live what the host was last told, say so, then watch. Returns at once."""
        if not self.real:
            self._say_state()
            return
        self.host.threads.keep(f"{self.host.name}-metadata", self._serve_metadata)
        self.host.threads.keep(f"{self.host.name}-network", self._watch)

    def _serve_metadata(self) -> None:
        """Until `stop`. Begins anew where its socket could not be bound."""
        link = MetadataLink(self.host.settings.control, self.host.name, self.host.own.signing_key, self.host.clock)
        server = MetadataServer(self.host.own.run / "metadata.sock", link)
        self._metadata = server
        if self._stopping.is_set():
            server.server_close()
            return
        try:
            server.serve_forever()
        finally:
            server.server_close()

    def stop(self) -> None:
        """Let go. Links, rules and daemons stay as they are."""
        self._stopping.set()
        if self._metadata is not None:
            self._metadata.shutdown()

    # ── Casts ──

    def apply(self, body: NetworkApply) -> None:
        """Do one cast, then say what came of it."""
        self._resume()
        with self._lock:
            kept, gone = self._sort_unknown(body)
            pieces, remove = {**kept, **body["pieces"]}, [*body["remove"], *gone]
            failed = self.driver.ensure_pieces(pieces, remove, full=bool(body["full"]))
            self._note(failed)
            # a power cut takes the last second from control or from here: what it did not know then, it may ask for now
            self.host.aside.drop_moot("network", body["pieces"].keys() - failed.keys())
            if body.get("only_change"):
                named = {*body["pieces"], *body["remove"], *body.get("aside", ())}
                self.host.reporter.report(Kind.NETWORK_CHANGE, self._change(named))
            else:
                self.host.reporter.report(Kind.NETWORK, self._state())

    def _sort_unknown(self, body: NetworkApply) -> tuple[dict[str, Any], list[str]]:
        """What control neither wants nor knows to be gone: (pieces that stay, pieces that go and are set aside).

        The bodies of those that go are kept, from which each can be made again. Where they are many (contract.setaside.is_many), the
        rows are more likely wrong than the host: they stay until an operator says otherwise (`allowed`).
        """
        if not body["full"] and not body.get("aside"):
            return {}, []
        have = self.driver.read_wanted()
        if body["full"]:
            unknown = sorted(have - set(body["pieces"]) - set(body["remove"]))
        else:
            unknown = sorted(have & set(body.get("aside", ())))
        if not unknown:
            return {}, []
        if is_many(len(unknown), len(have)) and not body.get("allowed"):
            log.error(
                "%s: %d networks' pieces (of %d) that nobody knows stay: %s",
                self.host.name,
                len(unknown),
                len(have),
                unknown[:5],
            )
            return {key: self.driver.read_piece(key) for key in unknown} if body["full"] else {}, []
        for key in unknown:
            note, place = self.host.aside.begin("network", key, WHY, record=self.driver.read_piece(key)["body"])
            self.host.aside.finish(note, place)
        return {}, unknown

    def probe(self, body: PortProbe) -> None:
        """Try a guest's port, and say what came of it. Without the lock: it waits for a stranger, and changes nothing."""
        probed = self.driver.probe(body["router_id"], body["ip"], body["number"])
        self.host.reporter.event(
            Event.PROBED, port_id=body["port_id"], number=body["number"], found=probed.found, said=probed.said
        )

    def isolate(self) -> None:
        """Control is silent: give up gateway ports and floating addresses. May be repeated, and is until it has succeeded.

        Raises: whatever the driver raises while some are still there.
        """
        with self._lock:
            if self._isolated:
                return
            self._has_given_up = True
            log.warning("%s: control is silent: the routers here give up their gateway ports", self.host.name)
            self.driver.remove_gateways()
            self._isolated = True

    def rejoin(self) -> None:
        """Control is heard again: it learns which routers were given up, and asks for those that still belong here."""
        with self._lock:
            was, self._has_given_up, self._isolated = self._has_given_up, False, False
        if was:
            self._say_state()

    def _note(self, failed: dict[str, FailureBody]) -> None:
        """Remember failures until their piece stands or is wanted no more."""
        for key, why in failed.items():
            log.warning("%s: %s: %s", self.host.name, key, why)
        missing = self.driver.read_missing() if self._failed else set()
        self._failed = {key: why for key, why in self._failed.items() if key in missing} | failed

    def _change(self, named: set[str]) -> NetworkChange:
        """What does not stand is said each time: what was given up unasked, control may not have heard."""
        hashes = self.driver.read_hashes(sorted(named | self.driver.read_missing()))
        networks = [key.removeprefix("dhcp:") for key in hashes if key.startswith("dhcp:")]
        return {
            "hashes": hashes,
            "failed": {key: why for key, why in self._failed.items() if key in hashes},
            "left_out": self.driver.read_left_out(networks),
        }

    def _state(self) -> NetworkState:
        return {
            "hashes": self.driver.read_pieces(),
            "failed": dict(self._failed),
            "left_out": self.driver.read_left_out(),
        }

    # ── Watching ──

    def _resume(self) -> None:
        """Once in a process, before anything else.

        Where another host may have our routers by now, they come up without their gateway ports until control asks for
        them: after a restart of the machine, and after a silence in which control moved them.
        """
        with self._lock:
            if not self._resumed:
                standing = self.host.standing
                if self.real and standing.was_silent:
                    self.driver.remove_gateways()
                self._note(self.driver.ensure_resumed(gateways=not standing.may_be_replaced))
                self._resumed = True

    def _say_state(self) -> None:
        self._resume()
        with self._lock:
            self.host.reporter.report(Kind.NETWORK, self._state())

    def _watch(self) -> None:
        self._say_state()  # what it raises is told, and it is tried again: see threads.py
        while not self._stopping.wait(LOOK_EVERY):
            try:
                self._say_leases()
            except Exception:  # the boundary of a thread that must go on: the next round may succeed
                log.exception("%s: looking after the networks failed", self.host.name)

    def _say_leases(self) -> None:
        with self._lock:
            facts = self.driver.read_leases()
        for fact in facts:
            self.host.reporter.event(Event.LEASE, **fact)
