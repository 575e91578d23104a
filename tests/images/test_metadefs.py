"""Metadata definitions over the wire."""

import pytest

from tests.images.conftest import Client

pytestmark = pytest.mark.django_db
AT = "metadefs/namespaces"


@pytest.fixture
def space(admin: Client) -> str:
    body = {"namespace": "OS::Test", "visibility": "public", "display_name": "Test"}
    answer = admin.ask("post", AT, body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["self"] == "/v2/metadefs/namespaces/OS::Test"
    return f"{AT}/OS::Test"


def test_a_namespace_comes_changes_and_goes(admin: Client, red: Client, space: str) -> None:
    assert red.ask("get", space).json()["display_name"] == "Test"
    assert admin.ask("post", AT, {"namespace": "OS::Test"}).status_code == 409
    assert red.ask("post", AT, {"namespace": "mine"}).status_code == 403
    renamed = admin.ask("put", space, {"namespace": "OS::New", "visibility": "private", "protected": True})
    assert (renamed.status_code, renamed.json()["namespace"]) == (200, "OS::New")
    assert red.ask("get", f"{AT}/OS::New").status_code == 404
    assert admin.ask("delete", f"{AT}/OS::New").status_code == 403
    admin.ask("put", f"{AT}/OS::New", {"namespace": "OS::New", "protected": False})
    assert admin.ask("delete", f"{AT}/OS::New").status_code == 204
    assert admin.ask("get", AT).json()["namespaces"] == []


def test_a_namespace_with_everything_in_it(admin: Client) -> None:
    body = {
        "namespace": "whole",
        "properties": {"cpus": {"title": "CPUs", "type": "integer", "minimum": 1}},
        "objects": [{"name": "box", "properties": {}}],
        "tags": [{"name": "t1"}],
        "resource_type_associations": [{"name": "OS::Nova::Flavor", "prefix": "hw:"}],
    }
    assert admin.ask("post", AT, body).status_code == 201
    shown = admin.ask("get", f"{AT}/whole").json()
    assert shown["properties"]["cpus"]["minimum"] == 1
    assert shown["objects"][0]["name"] == "box"
    assert shown["tags"] == [{"name": "t1"}]
    assert shown["resource_type_associations"][0]["prefix"] == "hw:"


def test_objects_and_properties(admin: Client, red: Client, space: str) -> None:
    for kind, body in (("objects", {"name": "a"}), ("properties", {"name": "a", "title": "A", "type": "string"})):
        assert admin.ask("post", f"{space}/{kind}", body).status_code == 201
        assert admin.ask("post", f"{space}/{kind}", body).status_code == 409
        assert red.ask("post", f"{space}/{kind}", {**body, "name": "x"}).status_code == 403
        assert admin.ask("put", f"{space}/{kind}/a", {**body, "name": "b"}).json()["name"] == "b"
        assert red.ask("get", f"{space}/{kind}/b").json()["name"] == "b"
        assert red.ask("get", f"{space}/{kind}/a").status_code == 404
        assert "b" in str(red.ask("get", f"{space}/{kind}").json())
        assert admin.ask("delete", f"{space}/{kind}/b").status_code == 204
        assert admin.ask("delete", f"{space}/{kind}/b").status_code == 404


def test_a_property_without_a_type_is_400(admin: Client, space: str) -> None:
    assert admin.ask("post", f"{space}/properties", {"name": "a", "title": "A"}).status_code == 400


def test_tags(admin: Client, space: str) -> None:
    answer = admin.ask("post", f"{space}/tags", {"tags": [{"name": "b"}, {"name": "a"}]})
    assert (answer.status_code, len(answer.json()["tags"])) == (201, 2)
    assert admin.ask("post", f"{space}/tags/c").status_code == 201
    assert admin.ask("put", f"{space}/tags/c", {"name": "d"}).json()["name"] == "d"
    assert [tag["name"] for tag in admin.ask("get", f"{space}/tags").json()["tags"]] == ["a", "b", "d"]
    assert admin.ask("delete", f"{space}/tags").status_code == 204
    assert admin.ask("get", f"{space}/tags").json()["tags"] == []


def test_resource_types(admin: Client, red: Client, space: str) -> None:
    names = [row["name"] for row in red.ask("get", "metadefs/resource_types").json()["resource_types"]]
    assert "OS::Glance::Image" in names
    body = {"name": "OS::Glance::Image", "prefix": "hw_"}
    assert admin.ask("post", f"{space}/resource_types", body).json()["name"] == body["name"]
    fresh = admin.ask("post", f"{space}/resource_types", {"name": "OS::No::Thing"})
    assert fresh.status_code == 201, "case 29: a type that nobody registered before is registered"
    assert "OS::No::Thing" in [
        row["name"] for row in red.ask("get", "metadefs/resource_types").json()["resource_types"]
    ]
    assert admin.ask("delete", f"{space}/resource_types/OS::No::Thing").status_code == 204
    listed = red.ask("get", f"{space}/resource_types").json()["resource_type_associations"]
    assert listed[0]["prefix"] == "hw_"
    assert len(red.ask("get", f"{AT}?resource_types=OS::Glance::Image").json()["namespaces"]) == 1
    assert admin.ask("delete", f"{space}/resource_types/OS::Glance::Image").status_code == 204


@pytest.mark.parametrize(
    "name", ["namespace", "namespaces", "object", "objects", "property", "properties", "tag", "tags"]
)
def test_schemas(red: Client, name: str) -> None:
    assert red.ask("get", f"schemas/metadefs/{name}").json()["name"] == name


def test_any_name_makes_a_location(admin: Client) -> None:
    answer = admin.ask("post", AT, {"namespace": "line\nbreak 名"})
    assert answer.status_code == 201
    assert answer["Location"].endswith("/namespaces/line%0Abreak%20%E5%90%8D")


def test_what_is_made_can_be_reached(admin: Client, space: str) -> None:
    """Case 12, siblings: a name with a slash was kept for ever, for no route led to it."""
    title = {"title": "t", "type": "string"}
    for path, body in (
        (AT, {"namespace": "a/b"}),
        (AT, {"namespace": "x", "properties": {"a/b": title}}),
        (AT, {"namespace": "x", "objects": [{"name": "a/b"}]}),
        (AT, {"namespace": "x", "tags": [{"name": "a/b"}]}),
        (AT, {"namespace": "x", "resource_type_associations": [{"name": "a/b"}]}),
        (f"{space}/objects", {"name": "a/b"}),
        (f"{space}/properties", {"name": "a/b", **title}),
        (f"{space}/resource_types", {"name": "a/b"}),
        (f"{space}/tags", {"tags": [{"name": "a/b"}]}),
    ):
        assert admin.ask("post", path, body).status_code == 400, (path, body)
    assert admin.ask("put", space, {"namespace": "a/b"}).status_code == 400
    inner = {"name": "o", "properties": {"a/b": title}}
    assert admin.ask("post", f"{space}/objects", inner).status_code == 201, "no route names a property of an object"
