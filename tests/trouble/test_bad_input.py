"""What must be refused is: right status, a sentence, the request's id, and nothing half-made."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rest import COMPUTE, IDENTITY, IMAGE, NETWORK, Answer, Rest
from tests.trouble.conftest import Troubled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NAMES = [
    "Ünïcode 名前 ☃ \U0001f680",
    'O\'Brien "quoted" `x`',
    "<script>alert(1)</script>&amp;",
    "a" * 255,
    "%s %(name)s {0} ${x}",
]
POSTS = [
    (f"{COMPUTE}/servers", "server"),
    (f"{COMPUTE}/flavors", "flavor"),
    (f"{COMPUTE}/os-keypairs", "keypair"),
    (f"{NETWORK}/networks", "network"),
    (f"{NETWORK}/subnets", "subnet"),
    (f"{NETWORK}/ports", "port"),
    (f"{NETWORK}/routers", "router"),
    (f"{NETWORK}/floatingips", "floatingip"),
    (f"{NETWORK}/security-groups", "security_group"),
    (f"{NETWORK}/security-group-rules", "security_group_rule"),
    (f"{IMAGE}/images", ""),
    (f"{IDENTITY}/projects", "project"),
    (f"{IDENTITY}/users", "user"),
    (f"{IDENTITY}/auth/tokens", "auth"),
]
#: (collection, singular, more that is needed) of things that take any name.
NAMED = [
    (f"{NETWORK}/networks", "network", {}),
    (f"{NETWORK}/security-groups", "security_group", {}),
    (f"{NETWORK}/routers", "router", {}),
    (f"{IMAGE}/images", "", {"disk_format": "raw", "container_format": "bare"}),
]


def sentence(answer: Answer) -> str:
    """The message of an error in any service's envelope."""
    found = answer.json
    inner: Any = next(iter(found.values())) if isinstance(found, dict) else found
    if isinstance(inner, list):
        inner = inner[0]
    text = inner if isinstance(inner, str) else inner.get("message") or inner.get("detail")
    return str(text)


def refused(answer: Answer, *statuses: int) -> str:
    assert answer.status in statuses, (answer.status, answer.text[:500])
    assert "Traceback" not in answer.text and 'File "' not in answer.text
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    text = sentence(answer)
    assert len(text) > 8, answer.text
    return text


def counts(rest: Rest) -> dict[str, int]:
    """How much there is of what a launch makes."""
    return {
        "servers": len(rest.ok("GET", f"{COMPUTE}/servers")["servers"]),
        "ports": len(rest.ok("GET", f"{NETWORK}/ports")["ports"]),
        "instances": rest.ok("GET", f"{COMPUTE}/limits")["limits"]["absolute"]["totalInstancesUsed"],
        "cores": rest.ok("GET", f"{COMPUTE}/limits")["limits"]["absolute"]["totalCoresUsed"],
    }


@pytest.fixture
def admin(troubled: Troubled) -> Rest:
    return Rest(troubled.cloud, "admin")


def launch(rest: Rest, **changes: Any) -> Answer:
    server = {
        "name": "bad",
        "imageRef": rest.named(f"{IMAGE}/images", "images", "demo"),
        "flavorRef": rest.named(f"{COMPUTE}/flavors", "flavors", "tiny"),
        "networks": [{"uuid": rest.named(f"{NETWORK}/networks", "networks", "private")}],
    }
    return rest.ask("POST", f"{COMPUTE}/servers", {"server": {**server, **changes}})


# ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"nonsense", b"[1, 2", b'{"a": NaN}', b'"text"', b"[]", b"null", b"7"]
)
def test_a_body_that_is_no_object_is_400(rest: Rest, admin: Rest, content: bytes) -> None:
    for path, _ in POSTS:
        refused(admin.ask("POST", path, content), 400)


@pytest.mark.parametrize(
    "value", [5, "text", [], None, True, {"name": {}}, {"name": 5}, {"name": "x", "unknown_thing": [1]}]
)
def test_wrong_types_are_400(rest: Rest, admin: Rest, value: Any) -> None:
    for path, kind in POSTS:
        if kind and value != {"name": "x", "unknown_thing": [1]}:
            refused(admin.ask("POST", path, {kind: value}), 400, 401 if kind == "auth" else 400)
    refused(launch(rest, name=value if not isinstance(value, str) else 5), 400)
    refused(launch(rest, min_count="many"), 400)
    refused(launch(rest, metadata={"k": value if value != "text" else []}), 400)


def test_an_oversized_body_is_413(rest: Rest) -> None:
    for path, kind in POSTS:
        answer = rest.ask("POST", path, b'{"' + (kind or "name").encode() + b'": "' + b"x" * 2_500_000 + b'"}')
        assert answer.status == 413 and len(answer.content) > 20, path


def test_user_data_that_is_too_long_or_not_base64(rest: Rest) -> None:
    before = counts(rest)
    refused(launch(rest, user_data="QQ" * 40_000), 400)
    refused(launch(rest, user_data="?? not base64"), 400)
    assert counts(rest) == before


# ── Names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "kind", "more"), NAMED, ids=[path.rpartition("/")[2] for path, _, _ in NAMED])
def test_any_name_comes_back_as_it_went_in(rest: Rest, path: str, kind: str, more: dict[str, Any]) -> None:
    for name in NAMES:
        made = rest.ok("POST", path, {kind: {"name": name, **more}} if kind else {"name": name, **more})
        made = made[kind] if kind else made
        shown = rest.ok("GET", f"{path}/{made['id']}")
        assert (shown[kind] if kind else shown)["name"] == name
        rest.ok("DELETE", f"{path}/{made['id']}")
    long = {"name": "n" * 256, **more}
    assert "255" in refused(rest.ask("POST", path, {kind: long} if kind else long), 400)


def test_a_server_takes_any_name_and_has_a_hostname_of_it(rest: Rest) -> None:
    for name in NAMES[:3]:
        server_id = rest.boot(name)
        shown = rest.until(server_id, "ACTIVE")
        assert shown["name"] == name
        rest.delete(server_id)
    before = counts(rest)
    for bad in ("", "   ", "n" * 256, "line\nbreak\x00"):
        refused(launch(rest, name=bad), 400)
    assert counts(rest) == before


# ── Ids ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "bad", ["no-such-id", "00000000-0000-4000-8000-000000000000", "%27%3B--", "x" * 300, "%E2%98%83"]
)
def test_unknown_ids_are_404(rest: Rest, bad: str) -> None:
    for path in (f"{COMPUTE}/servers", f"{COMPUTE}/flavors", f"{NETWORK}/networks", f"{NETWORK}/ports",
                 f"{NETWORK}/routers", f"{NETWORK}/floatingips", f"{IMAGE}/images", f"{NETWORK}/security-groups"):  # fmt: skip
        refused(rest.ask("GET", f"{path}/{bad}"), 404)
        if not path.endswith("flavors"):
            refused(rest.ask("DELETE", f"{path}/{bad}"), 404)


def test_a_launch_with_unknown_parts_names_them_and_makes_nothing(rest: Rest) -> None:
    before = counts(rest)
    missing = "00000000-0000-4000-8000-000000000000"
    for changes in ({"flavorRef": "tinny"}, {"imageRef": missing}, {"networks": [{"uuid": missing}]},
                    {"networks": [{"port": missing}]}, {"key_name": "nobody's"}, {"security_groups": [{"name": "nope"}]},
                    {"availability_zone": "mars"}):  # fmt: skip
        text = refused(launch(rest, **changes), 400)
        assert any(word in text for word in ("tinny", missing, "key_name", "nope", "zone")), text
    assert "tiny" in refused(launch(rest, flavorRef="tinny"), 400), "the nearest name is told"
    assert counts(rest) == before


@pytest.fixture
def foreign(admin: Rest) -> Iterator[dict[str, str]]:
    """A network, a port and a group of another project."""
    network = admin.ok("POST", f"{NETWORK}/networks", {"network": {"name": "theirs"}})["network"]["id"]
    port = admin.ok("POST", f"{NETWORK}/ports", {"port": {"network_id": network}})["port"]["id"]
    group = admin.ok("POST", f"{NETWORK}/security-groups", {"security_group": {"name": "theirs"}})["security_group"][
        "id"
    ]
    yield {"network": network, "port": port, "group": group}
    for path in (f"ports/{port}", f"networks/{network}", f"security-groups/{group}"):
        admin.ok("DELETE", f"{NETWORK}/{path}")


def test_what_belongs_to_others_does_not_exist(rest: Rest, foreign: dict[str, str]) -> None:
    before = counts(rest)
    for path in (f"networks/{foreign['network']}", f"ports/{foreign['port']}", f"security-groups/{foreign['group']}"):
        for method in ("GET", "DELETE"):
            refused(rest.ask(method, f"{NETWORK}/{path}"), 404)
    refused(launch(rest, networks=[{"uuid": foreign["network"]}]), 400, 404)
    refused(launch(rest, networks=[{"port": foreign["port"]}]), 400, 404)
    refused(launch(rest, security_groups=[{"name": foreign["group"]}]), 400, 404)
    refused(rest.ask("POST", f"{NETWORK}/ports", {"port": {"network_id": foreign["network"]}}), 404)
    assert counts(rest) == before


def test_tokens_that_are_wrong(rest: Rest) -> None:
    for token in ("", "nonsense", "gAAAAA" + "x" * 200, "ü"[:0] + "%00"):
        refused(rest.ask("GET", f"{COMPUTE}/servers", token=token), 401)
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "domain": {"id": "default"}, "password": "wrong"}}}}}  # fmt: skip
    text = refused(rest.ask("POST", f"{IDENTITY}/auth/tokens", body, token=""), 401)
    assert "demo" not in text and "password" not in text.lower()


# ── Limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_than_the_quota_is_403_with_the_numbers(rest: Rest) -> None:
    before = counts(rest)
    text = refused(launch(rest, min_count=11, max_count=11), 403)
    assert "11" in text and "10" in text and "instances" in text
    assert counts(rest) == before


def test_a_flavor_larger_than_any_host_says_which_came_closest(rest: Rest, admin: Rest) -> None:
    before = counts(rest)
    body = {"flavor": {"name": "huge", "ram": 2**30, "vcpus": 1, "disk": 1}}
    flavor = admin.ok("POST", f"{COMPUTE}/flavors", body)["flavor"]["id"]
    rest.ok("GET", f"{COMPUTE}/flavors/{flavor}")
    admin_quota = admin.ok("GET", f"{COMPUTE}/os-quota-sets/{_project(rest)}")["quota_set"]["ram"]
    admin.ok("PUT", f"{COMPUTE}/os-quota-sets/{_project(rest)}", {"quota_set": {"ram": -1}})
    try:
        server_id = rest.boot("huge", flavor="huge")
        message = rest.until(server_id, "ERROR")["fault"]["message"]
        assert f"needs {2**30} MiB, has " in message and "fake" in message
        rest.delete(server_id)
    finally:
        admin.ok("PUT", f"{COMPUTE}/os-quota-sets/{_project(rest)}", {"quota_set": {"ram": admin_quota}})
        admin.ok("DELETE", f"{COMPUTE}/flavors/{flavor}")
    assert counts(rest) == before


def _project(rest: Rest) -> str:
    assert rest.token
    return rest.project_id


def test_no_free_address_is_told_and_makes_nothing(rest: Rest) -> None:
    network = rest.ok("POST", f"{NETWORK}/networks", {"network": {"name": "narrow"}})["network"]["id"]
    subnet = {"network_id": network, "cidr": "10.77.0.0/29", "ip_version": 4, "enable_dhcp": False,
              "allocation_pools": [{"start": "10.77.0.4", "end": "10.77.0.4"}]}  # fmt: skip
    rest.ok("POST", f"{NETWORK}/subnets", {"subnet": subnet})
    first = rest.boot("first", network=network)
    rest.until(first, "ACTIVE")
    before = counts(rest)
    text = refused(launch(rest, networks=[{"uuid": network}]), 400, 409)
    assert "address" in text.lower()
    assert counts(rest) == before
    rest.delete(first)
    rest.ok("DELETE", f"{NETWORK}/networks/{network}")


# ── Verbs in the wrong moment ───────────────────────────────────────────────────────────────────────────────────────


def test_verbs_in_the_wrong_state_are_409(rest: Rest) -> None:
    server_id = rest.boot("moment")
    rest.until(server_id, "ACTIVE")
    for body in ({"os-start": None}, {"unpause": None}, {"resume": None}, {"confirmResize": None}, {"unshelve": None}):
        refused(rest.ask("POST", f"{COMPUTE}/servers/{server_id}/action", body), 409)
    for body in (
        {"nonsense": None},
        {},
        {"reboot": {"type": "GENTLE"}},
        {"os-stop": None, "os-start": None},
        {"resize": {}},
    ):
        refused(rest.ask("POST", f"{COMPUTE}/servers/{server_id}/action", body), 400)
    assert (rest.server(server_id) or {})["status"] == "ACTIVE"
    rest.delete(server_id)
    refused(rest.ask("POST", f"{COMPUTE}/servers/{server_id}/action", {"os-stop": None}), 404)


def test_no_log_holds_a_traceback_or_a_secret(troubled: Troubled, rest: Rest) -> None:
    """Last in this file: after all of the above."""
    web = troubled.cloud.log("web")
    assert "Traceback" not in web, web[web.index("Traceback") - 300 :][:3000]
    secrets = [troubled.cloud.password("demo"), troubled.cloud.password("admin"), rest.token]
    for log in (troubled.cloud.data / "logs").glob("*.log"):
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), f"{log.name} holds a secret"
