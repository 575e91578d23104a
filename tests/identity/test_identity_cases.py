"""Cases that users of other clouds reported, identity's part."""

from urllib.parse import parse_qs, quote

import pytest
from oauthlib.oauth1 import Client

from tests.identity.conftest import V3, Api, project


def test_an_endpoint_groups_filters_may_be_emptied(admin: Api) -> None:
    """Case 27: as Keystone lets it, but not without any when it is made."""
    admin.post("/OS-EP-FILTER/endpoint_groups", {"endpoint_group": {"name": "bad", "filters": {}}}, 400)
    body = {"endpoint_group": {"name": "all", "filters": {"interface": "public"}}}
    made = admin.post("/OS-EP-FILTER/endpoint_groups", body)["endpoint_group"]
    path = f"/OS-EP-FILTER/endpoint_groups/{made['id']}"
    assert admin.patch(path, {"endpoint_group": {"filters": {}}})["endpoint_group"]["filters"] == {}
    assert admin.get(path)["endpoint_group"]["filters"] == {}


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"])
def test_oauth1_takes_the_methods_of_oauthlib(admin: Api, method: str) -> None:
    """Case 39: signed by oauthlib itself; a wrong secret and an unknown method stay refused."""
    consumer = admin.post("/OS-OAUTH1/consumers", {"consumer": {}})["consumer"]
    url = f"http://testserver{V3}/OS-OAUTH1/request_token"

    def ask(secret: str, expect: int) -> str:
        client = Client(consumer["id"], secret, signature_method=method, callback_uri="oob")
        _url, headers, _body = client.sign(url, "POST")
        more = {"authorization": headers["Authorization"], "requested_project_id": project("demo").id}
        return Api().call("post", "/OS-OAUTH1/request_token", None, expect, **more).content.decode()

    assert parse_qs(ask(consumer["secret"], 201))["oauth_token"]
    ask("wrong", 401)


def test_oauth1_refuses_methods_that_it_cannot_check(admin: Api) -> None:
    """Case 39: RSA needs a key that consumers do not have."""
    consumer = admin.post("/OS-OAUTH1/consumers", {"consumer": {}})["consumer"]
    for method in ("RSA-SHA1", "NONE", ""):
        header = f'OAuth oauth_consumer_key="{consumer["id"]}", oauth_signature_method="{method}", oauth_signature="x"'
        header += ', oauth_timestamp="1", oauth_nonce="n", oauth_callback="oob", oauth_version="1.0"'
        more = {"authorization": header, "requested_project_id": project("demo").id}
        Api().call("post", "/OS-OAUTH1/request_token", None, 401, **more)


def test_a_regions_id_is_a_route(admin: Api) -> None:
    """Case 12, sibling: one with a slash could be made and never deleted."""
    admin.call("post", "/regions", {"region": {"id": "a/b"}}, 400)
    for id in ("a b", "Europe.1", "a%2Fb"):
        made = admin.post("/regions", {"region": {"id": id}})["region"]
        admin.call("delete", f"/regions/{quote(made['id'], safe='')}", None, 204)
