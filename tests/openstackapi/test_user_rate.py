"""C1: a user's allowance counts over all services, tokens and addresses."""

from collections.abc import Callable

import pytest

from common.rates import Rate
from openstackapi import auth
from tests.openstackapi.asking import Asker

PATHS = ["compute/v2.1/servers", "network/v2.0/networks", "image/v2/images", "identity/v3/projects", "placement/traits"]


def test_who_has_spent_it_is_told_so_by_every_service(
    askers: Callable[[], dict[str, Asker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1: with another token too; 429, Retry-After, and another user goes on."""
    first, again = askers(), askers()
    monkeypatch.setattr(auth, "of_users", Rate(0.1))
    newest = {"OpenStack-API-Version": "placement latest"}
    assert first["demo"].ask("get", f"/api/{PATHS[0]}").status_code == 200
    for path in PATHS:
        answer = again["demo"].ask("get", f"/api/{path}", headers=newest)
        assert answer.status_code == 429 and int(answer["Retry-After"]) <= 10, (path, answer.content)
        assert b"Too many requests" in answer.content
    assert first["admin"].ask("get", f"/api/{PATHS[0]}").status_code == 200
