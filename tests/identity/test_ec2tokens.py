"""ec2tokens and s3tokens, against the signer of Keystone's own client and AWS's published example."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer

from identity.assignments import services as assignments
from tests.identity.conftest import DEMO, Api, SignIn, project, role, user

EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def pair(demo: Api) -> Any:
    path = f"/users/{user('demo').pk}/credentials/OS-EC2"
    return demo.post(path, {"tenant_id": project("demo").pk})["credential"]


def stamp(ago: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(minutes=ago)).strftime("%Y%m%dT%H%M%SZ")


def version_2(pair: Any, secret: str | None = None, ago: int = 0) -> Any:
    when = (datetime.now(UTC) - timedelta(minutes=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    params = {"SignatureVersion": "2", "Action": "Describe it", "Timestamp": when, "Filter.1": "a b/ü"}
    sent = {"access": pair["access"], "host": "ec2.example:8773", "verb": "GET", "path": "/", "params": params}
    return {**sent, "signature": Ec2Signer(secret or pair["secret"]).generate({**sent, "params": dict(params)})}


def version_4(pair: Any, *, ago: int = 0, in_query: bool = False, verb: str = "GET") -> Any:
    when = stamp(ago)
    credential = f"{pair['access']}/{when[:8]}/RegionOne/ec2/aws4_request"
    params = {"Action": "DescribeInstances", "Name": "a b"}
    headers = {"Host": "ec2.example", "X-Amz-Date": when}
    if in_query:
        params |= {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-SignedHeaders": "host", "X-Amz-Credential": credential}
    else:
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders=host;x-amz-date,Signature=x"
    sent = {"access": pair["access"], "host": "ec2.example", "verb": verb, "path": "/services", "params": params}
    sent |= {"headers": headers, "body_hash": EMPTY}
    return {**sent, "signature": Ec2Signer(pair["secret"]).generate(sent)}


def ask(api: Api, credentials: Any, expect: int = 200, path: str = "/ec2tokens") -> Any:
    return api.call("post", path, {"credentials": credentials}, expect)


def test_versions_2_and_4_give_a_token_of_the_key_s_project(admin: Api, pair: Any) -> None:
    for signed in (
        version_2(pair),
        version_4(pair),
        version_4(pair, in_query=True),
        version_4(pair, verb="POST"),
    ):
        answer = ask(admin, signed)
        token = answer.json()["token"]
        assert token["methods"] == ["ec2credential"] and token["user"]["name"] == "demo"
        assert token["project"]["name"] == "demo" and {one["name"] for one in token["roles"]} >= {"member"}
        admin.get("/auth/tokens", x_subject_token=answer["X-Subject-Token"])
        Api(answer["X-Subject-Token"]).get("/auth/projects", 403)  # good at other services only


def test_the_host_may_be_signed_without_its_port(admin: Api, pair: Any) -> None:
    signed = version_2(pair)
    params = signed["params"]
    bare = {**signed, "host": "ec2.example"}
    signed["signature"] = Ec2Signer(pair["secret"]).generate({**bare, "params": dict(params)})
    ask(admin, signed)


def test_wrong_old_and_unknown_are_refused(admin: Api, pair: Any) -> None:
    ask(admin, version_2(pair, secret="another"), 401)
    ask(admin, version_2(pair, ago=20), 401)
    ask(admin, version_4(pair, ago=20), 401)
    ask(admin, {**version_2(pair), "access": "unknown"}, 404)
    ask(admin, {key: value for key, value in version_2(pair).items() if key != "signature"}, 401)
    changed = version_4(pair)
    changed["params"]["Action"] = "TerminateInstances"
    ask(admin, changed, 401)
    for version in ("0", "1", "3"):
        ask(admin, {**version_2(pair), "params": {"SignatureVersion": version, "Action": "a", "Timestamp": "b"}}, 401)
    for ago in (-20, -60 * 24 * 365):  # E: a signature of a future date was good until then
        ask(admin, version_2(pair, ago=ago), 401)
        ask(admin, version_4(pair, ago=ago), 401)
    timeless = version_2(pair)
    del timeless["params"]["Timestamp"]
    signed = Ec2Signer(pair["secret"]).generate({**timeless, "params": dict(timeless["params"])})
    answer = ask(admin, {**timeless, "signature": signed}, 401)  # E: and one without a date for ever
    assert "says no time" in answer.content.decode()
    ask(admin, {"signature": "x"}, 400)
    admin.call("post", "/ec2tokens", {}, 400)


def test_only_services_and_admins_may_ask(demo: Api, pair: Any) -> None:
    ask(demo, version_2(pair), 403)
    ask(Api(), version_2(pair), 401)


def test_a_key_is_worth_what_its_user_is(admin: Api, pair: Any) -> None:
    demo = user("demo")
    admin.patch(f"/users/{demo.pk}", {"user": {"enabled": False}})
    ask(admin, version_2(pair), 401)
    admin.patch(f"/users/{demo.pk}", {"user": {"enabled": True}})
    assignments.revoke(role("member"), on="project", object_id=project("demo").pk, subject_id=demo.pk)
    ask(admin, version_2(pair), 401)


def test_s3_signatures_of_both_kinds(admin: Api, pair: Any) -> None:
    when = stamp()
    old = f"GET\n\n\n{when}\n/bucket/object"
    signature = base64.b64encode(hmac.new(pair["secret"].encode(), old.encode(), hashlib.sha1).digest()).decode()
    new = f"AWS4-HMAC-SHA256\n{when}\n{when[:8]}/RegionOne/s3/aws4_request\n{EMPTY}"
    key = f"AWS4{pair['secret']}".encode()
    for part in (when[:8], "RegionOne", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    for text, sign in ((old, signature), (new, hmac.new(key, new.encode(), hashlib.sha256).hexdigest())):
        sent = {"access": pair["access"], "token": base64.urlsafe_b64encode(text.encode()).decode(), "signature": sign}
        answer = ask(admin, sent, 200, "/s3tokens")
        assert answer.json()["token"]["project"]["name"] == "demo" and "X-Subject-Token" not in answer
        ask(admin, {**sent, "signature": sign[:-2] + "xx"}, 401, "/s3tokens")
    for when in ("", "Mon, 01 Jan 2024 00:00:00 GMT", "20990101T000000Z", "99999999999"):  # E: S3's too
        text = f"GET\n\n\n{when}\n/bucket/object"
        sign = base64.b64encode(hmac.new(pair["secret"].encode(), text.encode(), hashlib.sha1).digest()).decode()
        sent = {"access": pair["access"], "token": base64.urlsafe_b64encode(text.encode()).decode(), "signature": sign}
        ask(admin, sent, 401, "/s3tokens")
    ask(admin, {"access": pair["access"], "token": "%", "signature": "x"}, 401, "/s3tokens")


def test_aws_s_published_example_of_a_version_4_key() -> None:
    from identity.credentials.ec2 import _scope_key

    key = _scope_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ["20150830", "us-east-1", "iam", "aws4_request"])
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_the_token_of_an_ec2_key_scopes_anew_but_stays_one(admin: Api, pair: Any, sign_in: SignIn) -> None:
    text = ask(admin, version_2(pair))["X-Subject-Token"]
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": text}}}}
    answer = Api().call("post", "/auth/tokens", body, 201)
    assert "ec2credential" in answer.json()["token"]["methods"]
    Api(answer["X-Subject-Token"]).get("/auth/projects", 403)
    assert sign_in("demo", DEMO).get("/auth/projects")
