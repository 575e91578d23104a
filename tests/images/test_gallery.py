"""The gallery: its lists, checksums held against bytes, and nothing kept of what was wrong."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from audit.models import Event
from authorization.context import RequestContext
from common.errors import Forbidden
from images.gallery import offers, services
from images.images.models import Image
from images.tasks.checksums import Proof, listed
from images.tasks.models import Task
from tests.images.conftest import Client, work

DISK = b"a disk from far away" * 500
GOOD = hashlib.sha512(DISK).hexdigest()
FORMS = {
    "gnu": f"{'0' * 128}  other.img\n{GOOD}  disk.img\n",
    "binary": f"{GOOD} *disk.img\n",
    "bsd": f"-----BEGIN PGP SIGNED MESSAGE-----\n# disk.img: 1 bytes\nSHA512 (disk.img) = {GOOD}\n",
    "alone": f"{GOOD.upper()}\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_publishers_lists_are_read(form: str) -> None:
    assert listed(FORMS[form], Proof("sha512", sums="https://x/", file="disk.img")) == GOOD


def test_a_list_without_the_file_names_nothing() -> None:
    proof = Proof("sha512", sums="https://x/", file="other")
    assert [listed(text, proof) for text in (FORMS["gnu"], FORMS["bsd"], "", f"{GOOD}  another\n")] == ["", "", "", ""]
    assert listed(FORMS["gnu"], Proof("sha256", file="disk.img")) == "", "a digest of another length is another's"


def test_each_card_that_comes_with_us_has_a_checksum() -> None:
    found = offers.read(offers.OURS)
    assert {"debian", "ubuntu", "alpine", "fedora", "cirros"} <= {one.distro for one in found.values()}
    for offer in found.values():
        assert offer.url.startswith("https://") and (offer.proof.digest or offer.proof.sums.startswith("https://")), (
            offer
        )
        assert offer.proof.digest or offer.proof.file, offer


BAD = {
    "no checksum": '[a]\nname = "A"\nurl = "https://x/a"\n',
    "short checksum": f'[a]\nname = "A"\nurl = "https://x/a"\nsha256 = "{"0" * 63}"\n',
    "no address": f'[a]\nname = "A"\nsha256 = "{"0" * 64}"\n',
    "no such format": f'[a]\nname = "A"\nurl = "https://x/a"\nformat = "zip"\nsha256 = "{"0" * 64}"\n',
    "bad name": f'["A b"]\nname = "A"\nurl = "https://x/a"\nsha256 = "{"0" * 64}"\n',
    "no toml": "[a\n",
    "no table": "a = 1\n",
}


@pytest.mark.parametrize("fault", BAD)
def test_an_operators_list_with_a_fault_counts_for_nothing_and_is_told(
    fault: str, tmp_path: Path, settings: Any
) -> None:
    settings.IMAGE_GALLERY = tmp_path / "gallery.toml"
    settings.IMAGE_GALLERY.write_text(BAD[fault])
    assert offers.offers() == offers.read(offers.OURS)
    assert str(settings.IMAGE_GALLERY) in offers.trouble()


def test_an_operators_list_adds_and_replaces(tmp_path: Path, settings: Any) -> None:
    settings.IMAGE_GALLERY = tmp_path / "gallery.toml"
    table = '[{0}]\nname = "Ours"\nurl = "https://mirror/x"\nsha256 = "{1}"\n'
    settings.IMAGE_GALLERY.write_text(table.format("debian-12", "a" * 64) + table.format("house", "b" * 64))
    found = offers.offers()
    assert (found["debian-12"].place, found["house"].proof.digest) == ("mirror", "b" * 64)
    assert found.keys() > {"ubuntu-24-04", "house"} and offers.trouble() == ""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"/disk.img": DISK, "/good": FORMS["bsd"].encode(), "/bad": f"{'9' * 128}  disk.img\n".encode()}
        body = found.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[str]:
    """A publisher near here, whose image an operator offers with lists that are right, wrong and missing."""
    monkeypatch.setenv("STACKLING_FETCH_ALLOW", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), _Site)
    url = f"http://127.0.0.1:{server.server_port}"
    settings.IMAGE_GALLERY = tmp_path / "gallery.toml"
    table = '[{0}]\nname = "{0}"\nurl = "{1}/disk.img"\nformat = "raw"\nlogin = "me"\nsha512 = "{1}/{0}"\n'
    settings.IMAGE_GALLERY.write_text("".join(table.format(name, url) for name in ("good", "bad", "absent")))
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_right_bytes_become_an_image_public_where_the_actor_may(red: Client, site: str) -> None:
    for actor, visibility in (
        (RequestContext.internal("test", project_id="red"), "public"),
        (RequestContext(user_id="u", project_id="red", roles=frozenset({"member"})), "private"),
    ):
        task = services.add(actor, key="good")
        assert Image.objects.get(pk=task.image_id).status == "importing"
        with pytest.raises(services.AlreadyAdding):
            services.add(actor, key="good")
        work()
        image = Image.objects.get(pk=task.image_id)
        assert (image.status, image.visibility, image.size) == ("active", visibility, len(DISK))
        task.refresh_from_db()
        assert (task.announced, task.arrived) == (len(DISK), len(DISK))
        assert services.added(actor)["good"] == image


@pytest.mark.parametrize(("key", "why"), [("bad", "not 9999999999999999"), ("absent", "names no sha512 checksum")])
def test_wrong_bytes_leave_nothing(red: Client, site: str, store: Path, key: str, why: str) -> None:
    actor = RequestContext(user_id="u", project_id="red", roles=frozenset({"member"}))
    services.add(actor, key=key)
    work()
    assert not Image.objects.exists() and [path.name for path in store.iterdir()] == []
    task = services.tasks(actor)[key]
    assert why in task.message and task.why == task.message and task.status == "failure"
    with translation.override("zh-hans"):
        assert why not in task.why, "each reader is told in their own language"
    (failed,) = Event.objects.filter(action="update/upload")
    assert (failed.outcome, failed.initiator_id, failed.project_id) == ("failure", "u", "red")


def test_who_may_not_make_an_image_adds_none(red: Client, site: str) -> None:
    with pytest.raises(Forbidden):
        services.add(RequestContext(user_id="u", project_id="red", roles=frozenset({"reader"})), key="good")
    with pytest.raises(offers.NoSuchOffer):
        services.add(RequestContext(user_id="u", project_id="red", roles=frozenset({"member"})), key="no-such")
    assert not Image.objects.exists() and not Task.objects.exists()


def test_nobody_claims_to_be_an_offer(red: Client) -> None:
    """A property of a user's own image does not make it the gallery's."""
    body = {"name": "mine", "disk_format": "raw", "container_format": "bare", services.GALLERY: "debian-13"}
    assert red.ask("post", "images", body).status_code == 403
