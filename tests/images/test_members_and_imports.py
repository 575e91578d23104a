"""Sharing, staging and importing, snapshots by hosts, and what compute asks."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from authorization.context import RequestContext
from cloud.settings import choices
from hostagent.contract.messages import http_signature
from identity.models import Domain, Project
from images import services
from images.images import errors, sharing
from images.images.models import Image
from images.tasks import imports
from images.tasks.models import Task
from tests.images.conftest import Client, body_of, work
from tests.simulated import actor

pytestmark = [pytest.mark.django_db, pytest.mark.process]


# ── Members ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_offer_is_listed_once_it_is_accepted(red: Client, blue: Client) -> None:
    image = red.create(name="for blue")
    assert red.ask("post", f"images/{image['id']}/members", {"member": "blue"}).json()["status"] == "pending"
    assert red.ask("post", f"images/{image['id']}/members", {"member": "blue"}).status_code == 409
    assert blue.ask("get", "images").json()["images"] == []
    pending = blue.ask("get", "images?visibility=shared&member_status=pending").json()["images"]
    assert [row["id"] for row in pending] == [image["id"]]
    assert blue.show(image["id"])["name"] == "for blue"
    for status in ("accepted", "rejected"):
        answer = blue.ask("put", f"images/{image['id']}/members/blue", {"status": status})
        assert answer.json()["status"] == status
        assert len(blue.ask("get", "images").json()["images"]) == (status == "accepted")
    assert red.ask("get", f"images/{image['id']}/members").json()["members"][0]["member_id"] == "blue"
    assert red.ask("delete", f"images/{image['id']}/members/blue").status_code == 204
    assert blue.ask("get", f"images/{image['id']}").status_code == 404


def test_who_else_sees_an_image_is_said_in_sentences(red: Client) -> None:
    domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
    image_id = red.create()["id"]
    for name in ("yellow", "blue"):
        Project.objects.create(pk=name, name=f"the {name} one", domain=domain)
        red.ask("post", f"images/{image_id}/members", {"member": name})
    operator = RequestContext(user_id="u0", roles=frozenset({"admin"}))
    assert sharing.everyone(operator, Image.objects.get(pk=image_id)) == [
        "Everybody in the project the blue one, with which the image is shared.",
        "Everybody in the project the yellow one, with which the image is shared.",
    ]


def test_who_may_not_touch_members(red: Client, blue: Client, signed_in: Callable[..., Client]) -> None:
    image = red.create()
    red.ask("post", f"images/{image['id']}/members", {"member": "blue"})
    assert red.ask("put", f"images/{image['id']}/members/blue", {"status": "accepted"}).status_code == 403
    assert blue.ask("put", f"images/{image['id']}/members/blue", {"status": "perhaps"}).status_code == 400
    assert blue.ask("post", f"images/{image['id']}/members", {"member": "green"}).status_code == 403
    assert blue.ask("delete", f"images/{image['id']}/members/blue").status_code == 403
    green = signed_in("green")
    assert green.ask("get", f"images/{image['id']}/members").status_code == 404
    assert red.ask("get", f"images/{image['id']}/members/green").status_code == 404


def test_only_shared_images_have_members(red: Client) -> None:
    image = red.create(visibility="private")
    assert red.ask("post", f"images/{image['id']}/members", {"member": "blue"}).status_code == 403


# ── Imports ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_staged_bytes_are_imported(red: Client, store: Path) -> None:
    image = red.create()
    body = {"method": {"name": "glance-direct"}}
    assert red.ask("post", f"images/{image['id']}/import", body).status_code == 409
    assert red.upload(image["id"], b"staged", "stage").status_code == 204
    assert red.show(image["id"])["status"] == "uploading"
    answer = red.ask("post", f"images/{image['id']}/import", body)
    assert answer.status_code == 202
    assert red.show(image["id"])["status"] == "importing"
    work()
    shown = red.show(image["id"])
    assert (shown["status"], shown["size"]) == ("active", 6)
    assert shown["os_hash_value"] == hashlib.sha512(b"staged").hexdigest()
    (task,) = red.ask("get", f"images/{image['id']}/tasks").json()["tasks"]
    assert task["status"] == "success"
    assert task["request_id"] == answer["X-Openstack-Request-Id"]
    assert task["input"]["import_req"]["method"]["name"] == "glance-direct"
    assert red.ask("get", "tasks").json()["tasks"][0]["id"] == task["id"]
    assert red.ask("get", f"tasks/{task['id']}").json()["image_id"] == image["id"]
    assert [path.name for path in store.iterdir()] == [image["id"]]


def test_staged_bytes_that_are_not_what_they_claim_fail_in_their_import(
    red: Client, disk: Callable[..., bytes], store: Path
) -> None:
    """Case 46: staging takes them, the import is accepted, its task fails, and the image is queued again."""
    image = red.create(disk_format="raw")
    assert red.upload(image["id"], disk("qcow2"), "stage").status_code == 204
    body = {"method": {"name": "glance-direct"}}
    assert red.ask("post", f"images/{image['id']}/import", body).status_code == 202
    work()
    shown = red.show(image["id"])
    assert (shown["status"], shown["size"], shown["os_glance_failed_import"]) == ("queued", None, "file")
    (task,) = red.ask("get", f"images/{image['id']}/tasks").json()["tasks"]
    assert task["status"] == "failure" and "The data is qcow2, not raw" in task["message"]
    assert list(store.iterdir()) == []
    assert red.upload(image["id"], b"right", "stage").status_code == 204
    red.ask("post", f"images/{image['id']}/import", body)
    work()
    shown = red.show(image["id"])
    assert shown["status"] == "active" and "os_glance_failed_import" not in shown


def test_an_import_whose_bytes_were_lost_fails_with_a_reason(red: Client, store: Path) -> None:
    image = red.create()
    red.upload(image["id"], b"staged", "stage")
    red.ask("post", f"images/{image['id']}/import", {"method": {"name": "glance-direct"}})
    (store / f"{image['id']}.staged").unlink()
    work()
    task = Task.objects.get()
    assert (task.status, "not in the store" in task.message) == ("failure", True)
    assert red.show(image["id"])["status"] == "queued"


def test_an_import_may_be_done_twice(red: Client) -> None:
    image = red.create()
    red.upload(image["id"], b"staged", "stage")
    red.ask("post", f"images/{image['id']}/import", {"method": {"name": "glance-direct"}})
    work()
    imports.run(Task.objects.get().pk)
    assert red.show(image["id"])["status"] == "active"


@pytest.mark.parametrize("body", [{}, {"method": {}}, {"method": {"name": "telepathy"}}, {"method": "glance-direct"}])
def test_a_bad_import_is_400(red: Client, body: dict[str, Any]) -> None:
    image = red.create()
    assert red.ask("post", f"images/{image['id']}/import", body).status_code == 400


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/secret")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/disk" else 404)
        self.end_headers()
        self.wfile.write(b"from the web")

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("STACKLING_FETCH_ALLOW", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_web_download_reads_an_allowed_host(red: Client, site: str) -> None:
    image = red.create()
    body = {"method": {"name": "web-download", "uri": f"{site}/disk"}}
    assert red.ask("post", f"images/{image['id']}/import", body).status_code == 202
    work()
    assert red.show(image["id"])["status"] == "active"
    assert body_of(red.ask("get", f"images/{image['id']}/file")) == b"from the web"


@pytest.mark.parametrize("path", ["/missing", "/away"])
def test_web_download_that_fails_says_why(red: Client, site: str, path: str) -> None:
    image = red.create()
    red.ask("post", f"images/{image['id']}/import", {"method": {"name": "web-download", "uri": site + path}})
    work()
    task = Task.objects.get()
    assert task.status == "failure" and len(task.message) > 20
    assert red.show(image["id"])["status"] == "queued"


@pytest.mark.parametrize("uri", ["http://10.0.0.1/x", "file:///etc/shadow", "http://[bad", "", "gopher://127.0.0.1/"])
def test_web_download_from_elsewhere_is_refused(red: Client, site: str, uri: str) -> None:
    image = red.create()
    answer = red.ask("post", f"images/{image['id']}/import", {"method": {"name": "web-download", "uri": uri}})
    assert answer.status_code == 400
    assert red.show(image["id"])["status"] == "queued"


def test_a_task_makes_an_image_for_an_operator(red: Client, admin: Client, site: str) -> None:
    asked = {"import_from": f"{site}/disk", "import_from_format": "raw", "image_properties": {"name": "old way"}}
    assert red.ask("post", "tasks", {"type": "import", "input": asked}).status_code == 403
    task = admin.ask("post", "tasks", {"type": "import", "input": asked})
    assert (task.status_code, task.json()["status"]) == (201, "pending")
    work()
    done = admin.ask("get", f"tasks/{task.json()['id']}").json()
    assert done["status"] == "success"
    assert admin.show(done["result"]["image_id"])["name"] == "old way"
    elsewhere = {**asked, "import_from": "http://10.0.0.1/x"}
    assert admin.ask("post", "tasks", {"type": "import", "input": elsewhere}).status_code == 400


def test_a_task_that_fails_leaves_no_image_of_its_own(admin: Client, site: str) -> None:
    asked = {"import_from": f"{site}/missing", "import_from_format": "raw", "image_properties": {"name": "half-made"}}
    task = admin.ask("post", "tasks", {"type": "import", "input": asked}).json()
    work()
    assert admin.ask("get", f"tasks/{task['id']}").json()["status"] == "failure"
    assert admin.ask("get", "images?name=half-made").json()["images"] == []


def test_web_download_is_there_and_reaches_nothing_near_unless_it_is_allowed(red: Client) -> None:
    """E: with `*` it read 169.254.169.254."""
    assert "web-download" in red.ask("get", "info/import").json()["import-methods"]["value"]
    image = red.create()
    for host in (
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "172.24.4.1",
        "[fd00::1]",
    ):
        body = {"method": {"name": "web-download", "uri": f"http://{host}/"}}
        answer = red.ask("post", f"images/{image['id']}/import", body)
        assert answer.status_code == 400 and "STACKLING_FETCH_ALLOW" in answer.content.decode(), (host, answer.content)


# ── Hosts and compute ───────────────────────────────────────────────────────────────────────────────────────────────

KEY = "ab" * 32


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, store: Path) -> Callable[[str, str], dict[str, str]]:
    """Headers with which host1 asks: `sealed("GET", path)`."""
    import time

    from hosts import agents
    from hosts import services as hosts
    from hosts.models import Host

    Host.objects.create(name="host1", number=1)
    monkeypatch.setattr(hosts, "key_of", lambda name: KEY if name == "host1" else None)
    monkeypatch.setattr(agents, "_may", {"read image": [lambda host, id: True], "write image": [lambda host, id: True]})

    def headers(method: str, path: str) -> dict[str, str]:
        at = str(time.time())
        return {
            "HTTP_X_STACKLING_HOST": "host1",
            "HTTP_X_STACKLING_TIME": at,
            "HTTP_X_STACKLING_SEAL": http_signature(KEY, method, path, at),
        }

    return headers


def test_a_host_reads_an_image_and_resumes(red: Client, sealed: Any) -> None:
    image = red.create()
    red.upload(image["id"], b"0123456789")
    source = services.source(image["id"])
    assert source["size"] == 10 and source["disk_format"] == "raw"
    path = source["path"]
    anyone = Client()
    assert body_of(anyone.get(path, **sealed("GET", path))) == b"0123456789"
    part = anyone.get(path, HTTP_RANGE="bytes=4-", **sealed("GET", path))
    assert (part.status_code, body_of(part)) == (206, b"456789")
    assert anyone.get(path).status_code in (401, 403)
    assert anyone.get(path, **sealed("PUT", path)).status_code in (401, 403)


def test_a_snapshot_from_queued_to_active(red: Client, sealed: Any, disk: Callable[..., bytes]) -> None:
    image = services.create_snapshot(actor("red"), name="snap", server_id="s1", properties={"min_disk": 2, "x": 5})
    shown = red.show(image.pk)
    assert (shown["status"], shown["instance_uuid"], shown["min_disk"], shown["x"]) == ("queued", "s1", 2, "5")
    content = disk("qcow2")
    path = f"/internal/images/{image.pk}"
    for _again in range(2):
        answer = Client().generic("PUT", path, content, "application/octet-stream", **sealed("PUT", path))
        assert answer.status_code == 204, answer.content
        assert red.show(image.pk)["status"] == "saving"
    with pytest.raises(errors.Corrupt):
        services.snapshot_uploaded(image.pk, len(content), "0" * 128, 4 << 20)
    for _again in range(2):
        services.snapshot_uploaded(image.pk, len(content), hashlib.sha512(content).hexdigest(), 4 << 20)
    assert red.show(image.pk)["status"] == "active"
    assert services.source(image.pk)["disk_format"] == "qcow2"


def test_a_host_may_not_fill_an_image_that_is_no_snapshot(red: Client, sealed: Any) -> None:
    image = red.create()
    path = f"/internal/images/{image['id']}"
    answer = Client().generic("PUT", path, b"x", "application/octet-stream", **sealed("PUT", path))
    assert answer.status_code == 403


def test_a_snapshot_that_failed_is_gone(red: Client) -> None:
    image = services.create_snapshot(actor("red"), name="snap", server_id="s1", properties={})
    services.fail(image.pk)
    services.fail(image.pk)
    assert red.ask("get", f"images/{image.pk}").status_code == 404


def test_a_source_must_be_active(red: Client) -> None:
    image = red.create()
    with pytest.raises(errors.NotBootable):
        services.source(image["id"])
    with pytest.raises(errors.ImageNotFound):
        services.source("absent")


def test_finding_by_id_name_and_nearly(red: Client) -> None:
    image = red.create(name="debian-12")
    assert services.find(actor("red"), image["id"]).pk == image["id"]
    assert services.find(actor("red"), "debian-12").pk == image["id"]
    with pytest.raises(errors.NoSuchImage, match="Did you mean debian-12"):
        services.find(actor("red"), "debian-11")
    with pytest.raises(errors.NoSuchImage):
        services.find(actor("blue"), "debian-12")
    red.create(name="debian-12")
    with pytest.raises(errors.AmbiguousName):
        services.find(actor("red"), "debian-12")


def test_a_project_that_goes_takes_its_images(
    red: Client, store: Path, django_capture_on_commit_callbacks: Any
) -> None:
    from images.images.services import remove_all_of

    red.upload(red.create(protected=True)["id"], b"x")
    with django_capture_on_commit_callbacks(execute=True):
        remove_all_of("red")
    assert not Image.objects.exists()
    work()
    assert list(store.iterdir()) == []


def test_an_operator_chooses_how_images_are_imported(red: Client, admin: Client, settings: Any) -> None:
    """E, sibling: web-download was on everywhere and could not be switched off."""
    settings.IMAGE_IMPORT_METHODS = ("glance-direct",)
    assert red.ask("get", "info/import").json()["import-methods"]["value"] == ["glance-direct"]
    assert red.ask("post", "images", {"name": "x"})["OpenStack-image-import-methods"] == "glance-direct"
    image = red.create()
    body = {"method": {"name": "web-download", "uri": "http://203.0.113.1/disk"}}
    answer = red.ask("post", f"images/{image['id']}/import", body)
    assert answer.status_code == 400 and red.show(image["id"])["status"] == "queued"
    old = {"import_from": "http://203.0.113.1/disk", "import_from_format": "raw", "image_properties": {}}
    before = Image.objects.count()
    assert admin.ask("post", "tasks", {"type": "import", "input": old}).status_code == 400
    assert Image.objects.count() == before and not Task.objects.exists()


def test_a_method_that_nobody_knows_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ("glance-direct", "web-download")
    for said, read in (("", known), ("none", ()), (" web-download ", ("web-download",))):
        monkeypatch.setenv("STACKLING_IMAGE_IMPORT_METHODS", said)
        assert choices("STACKLING_IMAGE_IMPORT_METHODS", known) == read
    monkeypatch.setenv("STACKLING_IMAGE_IMPORT_METHODS", "copy-image")
    with pytest.raises(ImproperlyConfigured, match="glance-direct, web-download, or none"):
        choices("STACKLING_IMAGE_IMPORT_METHODS", known)
