"""OpenStack's own client library signs in through the provider, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.identity.conftest import Api
from tests.identity.oidc_peer import Peer
from tests.identity.test_federation_oidc import declare


@pytest.fixture
def peer(tmp_path: Any) -> Iterator[Peer]:
    found = Peer(tmp_path, "jwt")
    yield found
    found.close()


def test_keystoneauth_s_oidc_plugin_gets_a_scoped_token(admin: Api, peer: Peer, live_server: Any) -> None:
    from keystoneauth1 import session
    from keystoneauth1.identity import v3

    declare(admin, peer)
    auth = v3.OidcAccessToken(
        f"{live_server.url}/api/identity/v3",
        identity_provider="peer",
        protocol="openid",
        access_token=peer.tokens("alice")["access_token"],
        project_name="demo",
        project_domain_id="default",
    )
    client = session.Session(auth=auth)
    shown = client.get(f"{live_server.url}/api/identity/v3/auth/projects").json()
    assert "demo" in {one["name"] for one in shown["projects"]}
    assert auth.get_access(client).role_names and auth.get_access(client).project_name == "demo"
