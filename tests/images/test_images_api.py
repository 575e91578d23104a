"""Images over the wire: create, show, list, change, delete."""

from typing import Any

import pytest

from tests.images.conftest import Client

pytestmark = pytest.mark.django_db


def test_the_root_lists_versions_with_300_and_versions_with_200(red: Client) -> None:
    root = red.get("/api/image/")
    assert root.status_code == 300
    assert [v["id"] for v in root.json()["versions"] if v["status"] == "CURRENT"] == ["v2.15"]
    assert root.json()["versions"][0]["links"][0]["href"] == "http://testserver/api/image/v2/"
    assert red.get("/api/image/versions").status_code == 200


def test_without_a_token_it_is_401(signed_in: Any) -> None:
    answer = Client().get("/api/image/v2/images")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Keystone")


def test_a_new_image_is_queued_shared_and_shows_properties_as_attributes(red: Client) -> None:
    image = red.create(name="ubuntu «ü» 🐧", hw_disk_bus="virtio", tags=["b", "a", "a"])
    assert image["status"] == "queued"
    assert image["visibility"] == "shared"
    assert image["owner"] == "red"
    assert image["hw_disk_bus"] == "virtio"
    assert image["tags"] == ["a", "b"]
    assert image["size"] is None and image["checksum"] is None and image["os_hash_algo"] is None
    assert image["self"] == f"/v2/images/{image['id']}"
    assert image["file"] == f"/v2/images/{image['id']}/file"
    assert image["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"disk_format": "wrong"}, 400),
        ({"container_format": "wrong"}, 400),
        ({"name": "n" * 256}, 400),
        ({"name": 7}, 400),
        ({"visibility": "secret"}, 400),
        ({"min_ram": -1}, 400),
        ({"min_disk": 2**40}, 400),
        ({"prop": 5}, 400),
        ({"name": "a\0b"}, 400),
        ({"p" * 256: "x"}, 400),
        ({"id": "not-an-id"}, 400),
        ({"status": "active"}, 403),
        ({"checksum": "0" * 32}, 403),
        ({"deleted": "x"}, 403),
        ({"os_glance_x": "y"}, 403),
        ({"owner": "blue"}, 403),
        ({"visibility": "public"}, 403),
        ({"locations": []}, 403),
    ],
)
def test_bad_values_are_refused_with_a_sentence(red: Client, values: dict[str, Any], status: int) -> None:
    answer = red.ask("post", "images", values)
    assert answer.status_code == status
    assert len(answer.json()["message"]) > 10
    assert red.ask("get", "images").json()["images"] == []


def test_malformed_json_is_400(red: Client) -> None:
    answer = red.generic("POST", "/api/image/v2/images", b"{nope", "application/json")
    assert answer.status_code == 400


def test_an_id_may_be_chosen_once(red: Client, blue: Client) -> None:
    chosen = "11111111-2222-3333-4444-555555555555"
    assert red.create(id=chosen)["id"] == chosen
    assert blue.ask("post", "images", {"id": chosen}).status_code == 409


def test_a_reader_may_not_create(signed_in: Any) -> None:
    assert signed_in("red", "reader").ask("post", "images", {}).status_code == 403


def test_a_foreign_private_image_does_not_exist(red: Client, blue: Client, admin: Client) -> None:
    image = red.create(visibility="private")
    for method, path in (("get", ""), ("delete", ""), ("get", "/file"), ("get", "/members")):
        assert blue.ask(method, f"images/{image['id']}{path}").status_code == 404
    assert blue.patch_image(image["id"], {"op": "replace", "path": "/name", "value": "x"}).status_code == 404
    assert admin.show(image["id"])["id"] == image["id"]


def test_a_public_image_is_seen_but_not_changed_by_others(red: Client, admin: Client) -> None:
    image = admin.create(name="pub", visibility="public")
    assert red.show(image["id"])["name"] == "pub"
    assert red.ask("delete", f"images/{image['id']}").status_code == 403
    assert red.patch_image(image["id"], {"op": "replace", "path": "/name", "value": "x"}).status_code == 403
    assert red.upload(image["id"], b"x").status_code == 403


def test_a_patch_in_both_dialects(red: Client) -> None:
    image = red.create(name="old", speed="slow")
    answer = red.patch_image(
        image["id"],
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/a~1b", "value": "c"},
        {"op": "remove", "path": "/speed"},
        {"op": "replace", "path": "/tags", "value": ["x"]},
    )
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["a/b"], answer.json()["tags"]) == ("new", "c", ["x"])
    assert "speed" not in answer.json()
    older = red.patch_image(
        image["id"], {"replace": "/name", "value": "newer"}, {"add": "/q", "value": "1"}, version="2.0"
    )
    assert (older.json()["name"], older.json()["q"]) == ("newer", "1")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "replace", "path": "/deleted", "value": "x"}, 403),
        ({"op": "add", "path": "/os_glance_x", "value": "x"}, 403),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/owner", "value": "blue"}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "add", "path": "/locations/-", "value": {}}, 403),
        ({"op": "remove", "path": "/absent"}, 409),
        ({"op": "replace", "path": "/absent", "value": "x"}, 409),
        ({"op": "move", "path": "/name", "value": "x"}, 400),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "replace", "path": "/a/b", "value": "x"}, 400),
        ({"op": "replace", "path": "/a~2", "value": "x"}, 400),
        ({"op": "replace", "path": "/name"}, 400),
        ({"op": "replace", "path": "/min_ram", "value": "many"}, 400),
        ({"op": "add", "path": "/prop", "value": 5}, 400),
    ],
)
def test_a_bad_change_changes_nothing(red: Client, change: dict[str, Any], status: int) -> None:
    image = red.create(name="kept")
    answer = red.patch_image(image["id"], {"op": "replace", "path": "/name", "value": "lost"}, change)
    assert answer.status_code == status, answer.content
    assert red.show(image["id"])["name"] == "kept"


def test_a_patch_of_another_type_is_415(red: Client) -> None:
    image = red.create()
    assert red.ask("patch", f"images/{image['id']}", [{"op": "remove", "path": "/x"}]).status_code == 415


def test_a_protected_image_stays(red: Client) -> None:
    image = red.create(protected=True)
    assert red.ask("delete", f"images/{image['id']}").status_code == 403
    red.patch_image(image["id"], {"op": "replace", "path": "/protected", "value": False})
    assert red.ask("delete", f"images/{image['id']}").status_code == 204
    assert red.ask("get", f"images/{image['id']}").status_code == 404
    assert red.ask("delete", f"images/{image['id']}").status_code == 404


def test_tags_come_and_go(red: Client) -> None:
    image = red.create()
    assert red.ask("put", f"images/{image['id']}/tags/fast").status_code == 204
    assert red.ask("put", f"images/{image['id']}/tags/fast").status_code == 204
    assert red.show(image["id"])["tags"] == ["fast"]
    assert red.ask("delete", f"images/{image['id']}/tags/fast").status_code == 204
    assert red.ask("delete", f"images/{image['id']}/tags/fast").status_code == 404


def test_the_128th_tag_is_the_last(red: Client) -> None:
    assert red.ask("post", "images", {"tags": [str(n) for n in range(129)]}).status_code == 413


def test_the_count_quota_holds(red: Client) -> None:
    from quota import services as quota

    quota.set_default("image", "image_count_total", 1)
    red.create()
    answer = red.ask("post", "images", {})
    assert answer.status_code == 413
    assert "image_count_total" in answer.json()["message"]


def test_pages_neither_repeat_nor_lose_an_image(red: Client) -> None:
    made = [red.create(name=f"i{n}")["id"] for n in range(7)]
    seen, path = [], "images?limit=3&sort=name:asc"
    while path:
        body = red.ask("get", path).json()
        seen += [image["id"] for image in body["images"]]
        assert body["first"] == "/v2/images?limit=3&sort=name%3Aasc"
        path = body.get("next", "").removeprefix("/v2/")
    assert seen == made


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "marker=11111111-2222-3333-4444-555555555555",
        "sort_key=secret",
        "sort=name:up",
        "sort=name:asc&sort_key=name",
        "visibility=secret",
        "member_status=maybe",
        "size_min=abc",
        "created_at=gt:nonsense",
        "os_hidden=perhaps",
        "status=in:active,nonsense",
        "protected=maybe",
    ],
)
def test_a_bad_query_is_400(red: Client, query: str) -> None:
    assert red.ask("get", f"images?{query}").status_code == 400


def test_filters(red: Client) -> None:
    a = red.create(name="a", os_distro="debian", tags=["x", "y"], min_ram=64)
    b = red.create(name="b, c", disk_format="qcow2", tags=["x"], protected=True, **{"9": "nine"})
    hidden = red.create(name="h", os_hidden=True)

    def ids(query: str) -> list[str]:
        return [image["id"] for image in red.ask("get", f"images?sort=name:asc&{query}").json()["images"]]

    assert ids("") == [a["id"], b["id"]]
    assert ids("name=a") == [a["id"]]
    assert ids('name=in:a,"b, c"') == [a["id"], b["id"]]
    assert ids("disk_format=qcow2") == [b["id"]]
    assert ids("tag=x&tag=y") == [a["id"]]
    assert ids("os_distro=debian") == [a["id"]]
    assert ids("9=nine") == [b["id"]]
    assert ids("absent=1") == []
    assert ids("protected=true") == [b["id"]]
    assert ids("min_ram=64") == [a["id"]]
    assert ids("os_hidden=true") == [hidden["id"]]
    assert ids("created_at=gt:2020-01-01T00:00:00Z") == [a["id"], b["id"]]
    assert ids("created_at=lt:2020-01-01T00:00:00Z") == []
    assert ids("owner=blue") == []
    assert ids("limit=0") == []


def test_visibility_of_lists(red: Client, blue: Client, admin: Client) -> None:
    community = blue.create(name="c", visibility="community")
    public = admin.create(name="p", visibility="public")
    private = red.create(name="own", visibility="private")
    blue.create(name="theirs", visibility="private")

    def ids(query: str) -> set[str]:
        return {image["id"] for image in red.ask("get", f"images?{query}").json()["images"]}

    assert ids("") == {public["id"], private["id"]}
    assert ids("visibility=community") == {community["id"]}
    assert ids("visibility=private") == {private["id"]}
    assert ids("visibility=public") == {public["id"]}
    assert ids("visibility=all") == {public["id"], private["id"], community["id"]}
    assert red.show(community["id"])["name"] == "c"


def test_a_list_asks_a_constant_number_of_queries(red: Client, django_assert_max_num_queries: Any) -> None:
    for n in range(12):
        red.create(name=str(n), tags=["t"])
    with django_assert_max_num_queries(2):
        assert len(red.ask("get", "images").json()["images"]) == 12


@pytest.mark.parametrize("name", ["image", "images", "member", "members", "task", "tasks"])
def test_schemas_have_their_name(red: Client, name: str) -> None:
    assert red.ask("get", f"schemas/{name}").json()["name"] == name


def test_an_unknown_schema_is_404(red: Client) -> None:
    assert red.ask("get", "schemas/nonsense").status_code == 404


def test_stores_and_import_methods(red: Client) -> None:
    assert red.ask("get", "info/stores").json()["stores"][0]["id"] == "file"
    assert red.ask("get", "info/import").json()["import-methods"]["value"] == ["glance-direct", "web-download"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "images/a%00b", None),
        ("get", "images?name=a%00", None),
        ("get", "images?marker=%00", None),
        ("put", "images/11111111-2222-3333-4444-555555555555/tags/%00", None),
        ("post", "metadefs/namespaces", {"namespace": "a\0"}),
        ("post", "images", {"a\0": "b"}),
    ],
)
def test_a_nul_character_is_400_everywhere(admin: Client, method: str, path: str, body: Any) -> None:
    assert admin.ask(method, path, body).status_code == 400
