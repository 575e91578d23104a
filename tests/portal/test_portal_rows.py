"""Rows asked for one by one, as a page does when its socket says what changed."""

import re

from django.test import Client

from compute.keypairs.models import KeyPair
from identity.models import User
from tests.portal.test_portal_pages import ADMIN, PANELS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFc1pUoOHHLcTpp8bDKUWPpjzVQOwRsO6G4XCO9s0Yq3 me@laptop"


def test_each_list_answers_for_the_rows_that_it_shows(admin: Client) -> None:
    """Whatever field the ids of its rows are of."""
    KeyPair.objects.create(
        user_id=User.objects.get(name="admin").pk, name="laptop", public_key=KEY, fingerprint="aa:bb"
    )
    asked = []
    for path in [*PANELS, *ADMIN]:
        page = admin.get(path).content.decode()
        found = re.search(r'data-rows-url="([^"]+)"', page)
        ids = re.findall(r'<tr data-id="([^"]+)"', page)
        if not found or not ids:
            continue
        answer = admin.get(found[1].replace("&amp;", "&") + ",".join(ids))
        assert answer.status_code == 200, path
        assert set(re.findall(r'<tr data-id="([^"]+)"', answer.content.decode())) == set(ids), path
        asked.append(path)
    assert {"/key-pairs", "/flavors", "/security-groups", "/users", "/roles"} <= set(asked), asked
