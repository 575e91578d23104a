"""`limit` and other numbers of a query: what is no whole number is 400, never a fault."""

from collections.abc import Callable

import pytest

from tests.openstackapi.asking import Asker

PATHS = [
    "/api/identity/v3/credentials?limit=",
    "/api/identity/v3/registered_limits?limit=",
    "/api/image/v2/images?limit=",
    "/api/image/v2/images?size_min=",
    "/api/network/v2.0/networks?limit=",
    "/api/compute/v2.1/servers?limit=",
    "/api/compute/v2.1/flavors?minRam=",
    "/api/compute/v2.1/os-server-groups?limit=",
    "/api/placement/allocation_candidates?resources=VCPU:1&limit=",
]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_whole_number_is_400(path: str, askers: Callable[[], dict[str, Asker]]) -> None:
    admin = askers()["admin"]
    path, _, query = path.partition("?")
    for text in ("%C2%B2", "%D9%A3", "9" * 5000, "x"):
        answer = admin.ask("get", path, query=f"{query}{text}", headers={"OpenStack-API-Version": "placement latest"})
        assert answer.status_code == 400, (text[:20], answer.status_code, answer.content[:300])
