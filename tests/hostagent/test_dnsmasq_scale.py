"""D (dnsmasq): it is not restarted for each port."""

from hostagent.drivers.network.dnsmasq import lease_room


def test_the_room_for_leases_grows_in_doublings() -> None:
    rooms = [lease_room(hosts) for hosts in range(1, 5001)]
    assert all(room >= 2 * hosts for hosts, room in enumerate(rooms, 1))
    assert len(set(rooms)) == 5, "5,000 ports, four restarts"
