"""D (lists): a largest page everywhere, with a link to the next; clients that ask for no page see the same as before."""

from dataclasses import replace
from typing import Any

import pytest

from networking.networks import services as networks
from openstackapi.pagination import NEUTRON


@pytest.fixture
def five(demo: Any, agents: Any) -> list[str]:
    return [networks.create(demo, name=f"n{number}").id for number in range(5)]


def test_neutron_gives_a_next_link_also_to_whom_asks_for_no_page(
    neutron: Any, demo: Any, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = neutron(demo)
    _status, body = api("get", "networks")
    assert len(body["networks"]) == 5 and "networks_links" not in body
    monkeypatch.setattr("networking.resource.NEUTRON", replace(NEUTRON, largest=2))
    found: list[str] = []
    path = "networks"
    for _ in range(3):
        _status, body = api("get", path)
        assert len(body["networks"]) <= 2
        found += [network["id"] for network in body["networks"]]
        following = [link["href"] for link in body.get("networks_links", ()) if link["rel"] == "next"]
        if not following:
            break
        path = following[0].split("/v2.0/", 1)[1]
    assert sorted(found) == sorted(five)
