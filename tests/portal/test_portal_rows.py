"""Rows asked for one by one, as a page does when its socket says what changed."""

import re
from html import unescape
from urllib.parse import quote

from django.test import Client

from compute.keypairs.models import KeyPair
from identity.models import Project, User
from networking.securitygroups import defaults
from tests.portal.test_portal_pages import ADMIN, PANELS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFc1pUoOHHLcTpp8bDKUWPpjzVQOwRsO6G4XCO9s0Yq3 me@laptop"


def shown(page: str) -> list[str]:
    return [unescape(id) for id in re.findall(r'<tr data-id="([^"]+)"', page)]


def test_each_list_answers_for_the_rows_that_it_shows(admin: Client) -> None:
    """Whatever field the ids of its rows are of."""
    for name in ("laptop", "a,b", "c&d", "e#f"):
        KeyPair.objects.create(
            user_id=User.objects.get(name="admin").pk, name=name, public_key=KEY, fingerprint="aa:bb"
        )
    defaults.ensure_default(Project.objects.get(name="admin", is_domain=False).pk)
    asked = []
    for path in [*PANELS, *ADMIN]:
        page = admin.get(path).content.decode()
        found = re.search(r'data-rows-url="([^"]+)"', page)
        ids = shown(page)
        if not found or not ids:
            continue
        answer = admin.get(
            found[1].replace("&amp;", "&") + "&rows=".join(quote(id, safe="") for id in ids),
            headers={"HX-Request": "true"},
        )
        assert answer.status_code == 200, path
        assert set(shown(answer.content.decode())) == set(ids), path
        asked.append(path)
    assert {"/key-pairs", "/flavors", "/security-groups", "/users", "/roles"} <= set(asked), asked
