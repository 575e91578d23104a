"""Signing in at an identity provider: its buttons, there and back, what it gave counts, a second factor of one's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from identity.assignments import services as assignments
from identity.federation import oidc
from identity.federation.models import CLIENT_SECRET
from identity.models import Client as OpenId
from identity.models import Group, IdentityProvider, Mapping, PortalSession, Project, Protocol, Role, User
from keystore.encryption import encrypt
from tests.identity.oidc_peer import CLIENT, SECRET, Peer
from tests.portal.test_portal_session_factors import sealed, set_up
from tests.totp import code_of

pytestmark = pytest.mark.process

RULES = [
    {
        "remote": [{"type": "preferred_username"}, {"type": "groups"}],
        "local": [{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"id": "default"}}],
    }
]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    found = Peer(tmp_path_factory.mktemp("peer"), "jwt")
    yield found
    found.close()


@pytest.fixture
def declared(cloud_rows: None, peer: Peer) -> IdentityProvider:
    oidc.forget()
    domain = Project.objects.get(pk="default")
    provider = IdentityProvider.objects.create(id="peer", domain=domain, enabled=True)
    OpenId.objects.create(
        provider=provider, issuer=peer.issuer, client_id=CLIENT, encrypted_secret=encrypt(SECRET, CLIENT_SECRET("peer")),
        scopes="openid email profile groups", label="Example Org",
    )  # fmt: skip
    Mapping.objects.create(id="peer", rules=RULES)
    Protocol.objects.create(id="openid", provider=provider, mapping_id="peer")
    group = Group.objects.create(name="staff", domain=domain)
    demo = Project.objects.get(name="demo", is_domain=False)
    assignments.grant(
        Role.objects.get(name="member", domain=None),
        on="project",
        object_id=demo.pk,
        subject="group",
        subject_id=group.pk,
    )
    return provider


def there_and_back(peer: Peer, client: Client, next: str = "/networks", name: str = "alice") -> Any:
    away = client.get(f"/sign-in/with/peer/openid?next={next}")
    assert away.status_code == 302 and away["Location"].startswith(peer.issuer)
    back = peer.authorize(name, away["Location"])
    assert back.startswith("http://testserver/sign-in/federated?")
    return client.get(back.removeprefix("http://testserver"))


def test_the_page_offers_what_is_enabled(declared: IdentityProvider) -> None:
    page = Client().get("/sign-in?next=/images").content.decode()
    assert "Sign in with Example Org" in page and 'href="/sign-in/with/peer/openid?next=%2Fimages"' in page
    IdentityProvider.objects.update(enabled=False)
    assert "Example Org" not in Client().get("/sign-in").content.decode()


def test_who_comes_back_is_in_with_the_roles_of_the_provider_s_groups(declared: IdentityProvider, peer: Peer) -> None:
    client = Client()
    assert there_and_back(peer, client)["Location"] == "/networks"
    page = client.get("/networks").content.decode()
    assert client.get("/networks").status_code == 200 and "alice" in page and ">demo<" in page
    assert PortalSession.objects.get(pk=client.session.session_key).user.name == "alice"


def test_disabling_the_provider_ends_what_it_opened(declared: IdentityProvider, peer: Peer) -> None:
    from identity.revocation import services as revocation

    client = Client()
    there_and_back(peer, client)
    IdentityProvider.objects.update(enabled=False)
    revocation.touch()
    assert client.get("/networks").status_code == 302


def test_a_return_that_nobody_began_is_said_and_opens_nothing(declared: IdentityProvider, peer: Peer) -> None:
    away = Client().get("/sign-in/with/peer/openid")
    back = peer.authorize("alice", away["Location"]).removeprefix("http://testserver")
    other = Client()
    answer = other.get(back)
    assert answer.status_code == 401 and b"was not begun in this browser" in answer.content
    assert other.get("/").status_code == 302


def test_an_own_second_factor_is_asked_for_after_the_provider(declared: IdentityProvider, peer: Peer) -> None:
    client = Client()
    there_and_back(peer, client)
    secret, _codes = set_up(client)
    fresh = Client()
    asked = there_and_back(peer, fresh)
    assert asked["Location"] == "/sign-in?next=/networks" and fresh.get("/networks").status_code == 302
    assert fresh.post("/sign-in", {"code": code_of(secret), "next": "/networks"})["Location"] == "/networks"
    assert fresh.get("/networks").status_code == 200  # the provider's groups still count


def test_signing_in_again_beside_the_page_keeps_its_project(declared: IdentityProvider, peer: Peer) -> None:
    client = Client()
    there_and_back(peer, client)
    other = Project.objects.create(name="another", domain_id="default")
    role = Role.objects.get(name="member", domain=None)
    assignments.grant(role, on="project", object_id=other.pk, subject_id=User.objects.get(name="alice").pk)
    client.post("/project", {"project": Project.objects.get(name="demo", is_domain=False).pk})
    page, demo = sealed(client), client.session["scope_id"]
    PortalSession.objects.all().delete()
    dialog = client.get("/sign-in/again", {"page": page}, HTTP_HX_REQUEST="true").content.decode()
    assert "Sign in with Example Org" in dialog and 'name="password"' not in dialog
    back = there_and_back(peer, client, f"/sign-in/done%3Fpage={page}")
    assert client.get(back["Location"]).status_code == 200
    assert client.session["scope_id"] == demo
