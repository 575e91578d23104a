"""What every network driver keeps to: test_network.py runs it with the fake, tests/lab with Linux bridges in a namespace."""

from typing import Any, Protocol

from hostagent.contract.network import piece_hash

NETWORK, OTHER = "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee", "88888888-bbbb-4ccc-8ddd-eeeeeeeeeeee"
GROUP = "77777777-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PORT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
BODIES: dict[str, dict[str, Any]] = {
    f"network:{NETWORK}": {
        "id": NETWORK, "kind": "local", "segment": None, "physical": None, "mtu": 1450, "zone": 11, "peers": [], "remote": [],
    },
    f"group:{GROUP}": {"id": GROUP, "rules": [], "members": []},
    f"port:{PORT}": {
        "id": PORT, "network_id": NETWORK, "mac": "fa:16:3e:00:00:01", "ips": ["10.0.0.5"], "groups": [GROUP], "pairs": [],
        "security": True, "up": True,
    },
}  # fmt: skip


class Driver(Protocol):
    def ask(self, verb: str, **body: Any) -> Any:
        """The answer of a driver's verb, as JSON has it."""

    def restart(self) -> None:
        """The agent is started anew, and has made live what the host was last told."""


def told(bodies: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {key: {"hash": piece_hash(body), "body": body} for key, body in bodies.items()}


def hashes(bodies: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {key: piece["hash"] for key, piece in told(bodies).items()}


def ensure(driver: Driver, bodies: dict[str, Any], remove: tuple[str, ...] = (), *, full: bool = False) -> Any:
    return driver.ask("ensure_pieces", pieces=told(bodies), remove=list(remove), full=full)


class NetworkContract:
    def test_what_it_is_told_stands_and_may_be_told_again(self, driver: Driver) -> None:
        for _again in range(2):
            assert ensure(driver, BODIES) == {}
            assert driver.ask("read_pieces") == hashes(BODIES)
        assert sorted(driver.ask("read_wanted")) == sorted(BODIES) and not driver.ask("read_missing")
        assert driver.ask("read_hashes", keys=[f"port:{PORT}", f"port:{OTHER}"]) == {
            f"port:{PORT}": hashes(BODIES)[f"port:{PORT}"],
            f"port:{OTHER}": "",
        }
        assert driver.ask("read_piece", key=f"port:{PORT}") == told(BODIES)[f"port:{PORT}"]

    def test_a_port_plugs_into_the_same_thing_each_time(self, driver: Driver) -> None:
        port = {"port_id": PORT, "network_id": NETWORK, "mac": "fa:16:3e:00:00:01", "mtu": 1450}
        first = driver.ask("bind", port=port)
        assert first == driver.ask("bind", port=port) and first["vif_type"]
        assert first != driver.ask("bind", port={**port, "port_id": OTHER})

    def test_a_router_that_is_not_here_tries_no_port(self, driver: Driver) -> None:
        assert list(driver.ask("probe", router_id=OTHER, ip="10.0.0.5", number=22)) == ["unknown", ""]

    def test_a_port_that_changes_is_the_same_port(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        changed = {
            **BODIES,
            f"port:{PORT}": {**BODIES[f"port:{PORT}"], "ips": ["10.0.0.6"], "mac": "fa:16:3e:00:00:02"},
        }
        assert ensure(driver, {f"port:{PORT}": changed[f"port:{PORT}"]}) == {}
        assert driver.ask("read_pieces") == hashes(changed)

    def test_a_difference_is_put_onto_what_is_there_and_onto_nothing_else(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        key = f"group:{GROUP}"
        grown = {**BODIES[key], "members": ["10.0.0.5"]}
        change = {
            "hash": piece_hash(grown),
            "from": hashes(BODIES)[key],
            "set": {},
            "lists": {"members": {"put": ["10.0.0.5"], "drop": []}},
        }
        assert driver.ask("ensure_pieces", pieces={key: {**change, "from": "another"}}, remove=[], full=False) == {}
        assert driver.ask("read_pieces") == hashes(BODIES)
        assert driver.ask("ensure_pieces", pieces={key: change}, remove=[], full=False) == {}
        assert driver.ask("read_pieces")[key] == piece_hash(grown)

    def test_what_is_removed_is_gone_and_may_be_removed_again(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        for _again in range(2):
            assert ensure(driver, {}, (f"port:{PORT}", f"port:{OTHER}", f"router:{OTHER}", f"dhcp:{OTHER}")) == {}
            assert f"port:{PORT}" not in driver.ask("read_pieces")
        assert sorted(driver.ask("read_pieces")) == [f"group:{GROUP}", f"network:{NETWORK}"]

    def test_a_full_document_is_all_there_is(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        other = {f"network:{OTHER}": {**BODIES[f"network:{NETWORK}"], "id": OTHER, "zone": 12}}
        assert ensure(driver, other, full=True) == {}
        assert driver.ask("read_pieces") == hashes(other)

    def test_a_piece_that_cannot_be_made_fails_alone(self, driver: Driver) -> None:
        bad = {**BODIES[f"network:{NETWORK}"], "id": OTHER, "kind": "no such kind", "fake_fails": True}
        failed = ensure(driver, {**BODIES, f"network:{OTHER}": bad})
        assert list(failed) == [f"network:{OTHER}"] and failed[f"network:{OTHER}"]["code"] in (
            "unsupported",
            "network_refused",
        )
        assert driver.ask("read_pieces") == hashes(BODIES)
        assert list(driver.ask("read_missing")) == [f"network:{OTHER}"]

    def test_what_it_was_told_is_known_to_the_next_agent(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        driver.restart()
        assert driver.ask("read_pieces") == hashes(BODIES)
        assert driver.ask("read_left_out") == {} and driver.ask("read_leases") == []

    def test_everything_goes_at_once_and_again(self, driver: Driver) -> None:
        ensure(driver, BODIES)
        for _again in range(2):
            driver.ask("remove_all")
            assert driver.ask("read_pieces") == {} and driver.ask("read_links") == {"taps": [], "namespaces": []}
