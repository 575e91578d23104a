"""Bytes in and out: whole, hashed, looked at, or not there at all."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.stores import Registry
from images import stores
from images.images import data
from images.images.models import Image
from openstackapi.streams import PIECE
from tests.common.memory_store import MemoryStore
from tests.images.conftest import Client, body_of, work

pytestmark = [pytest.mark.django_db, pytest.mark.process]


def left_in(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir()) if store.exists() else []


def test_an_upload_is_hashed_and_comes_back_whole(red: Client, store: Path) -> None:
    content = os.urandom(3 * PIECE + 17)
    image = red.create()
    assert red.ask("get", f"images/{image['id']}/file").status_code == 204
    assert red.upload(image["id"], content).status_code == 204
    shown = red.show(image["id"])
    assert shown["status"] == "active"
    assert shown["size"] == shown["virtual_size"] == len(content)
    assert shown["checksum"] == hashlib.md5(content).hexdigest()
    assert (shown["os_hash_algo"], shown["os_hash_value"]) == ("sha512", hashlib.sha512(content).hexdigest())
    assert shown["stores"] == "file"
    answer = red.ask("get", f"images/{image['id']}/file")
    assert answer.status_code == 200
    assert answer["Content-MD5"] == shown["checksum"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert body_of(answer) == content
    assert left_in(store) == [image["id"]]


def test_a_chunked_upload_without_a_length_arrives(red: Client) -> None:
    content = os.urandom(PIECE + 5)
    image = red.create()
    answer = red.generic(
        "PUT",
        f"/api/image/v2/images/{image['id']}/file",
        b"",
        "application/octet-stream",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": io.BytesIO(content)},
    )
    assert answer.status_code == 204
    assert red.show(image["id"])["size"] == len(content)


def test_a_range_is_answered_in_part(red: Client) -> None:
    image = red.create()
    red.upload(image["id"], b"0123456789")
    answer = red.ask("get", f"images/{image['id']}/file", HTTP_RANGE="bytes=2-4")
    assert (answer.status_code, body_of(answer), answer["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert red.ask("get", f"images/{image['id']}/file", HTTP_RANGE="bytes=10-").status_code == 416


def test_an_upload_cut_short_leaves_nothing(red: Client, store: Path) -> None:
    image = red.create()
    answer = red.generic(
        "PUT",
        f"/api/image/v2/images/{image['id']}/file",
        b"",
        "application/octet-stream",
        CONTENT_LENGTH="100",
        **{"wsgi.input": io.BytesIO(b"only this")},
    )
    assert answer.status_code == 400
    assert "9 of 100" in answer.json()["message"]
    assert red.show(image["id"])["status"] == "queued"
    assert left_in(store) == []


def test_a_second_upload_is_409(red: Client) -> None:
    image = red.create()
    red.upload(image["id"], b"one")
    assert red.upload(image["id"], b"two").status_code == 409
    assert body_of(red.ask("get", f"images/{image['id']}/file")) == b"one"


def test_data_needs_formats_and_its_type(red: Client) -> None:
    bare = red.ask("post", "images", {}).json()
    assert red.upload(bare["id"], b"x").status_code == 409
    image = red.create()
    answer = red.generic("PUT", f"/api/image/v2/images/{image['id']}/file", b"x", "text/plain")
    assert answer.status_code == 415


def test_formats_are_fixed_once_there_is_data(red: Client) -> None:
    image = red.create()
    red.upload(image["id"], b"x")
    answer = red.patch_image(image["id"], {"op": "replace", "path": "/disk_format", "value": "qcow2"})
    assert answer.status_code == 403


def test_deleting_removes_the_bytes_once_control_gets_to_it(red: Client, store: Path) -> None:
    """C12: web, which serves this, may not write to the store."""
    image = red.create()
    red.upload(image["id"], b"x")
    assert red.ask("delete", f"images/{image['id']}").status_code == 204
    assert left_in(store) == [image["id"]]
    work()
    assert left_in(store) == []


def test_an_image_that_has_the_id_of_a_deleted_one_keeps_its_bytes(red: Client, store: Path) -> None:
    first = red.create()
    red.upload(first["id"], b"old")
    assert red.ask("delete", f"images/{first['id']}").status_code == 204
    red.create(id=first["id"])
    red.upload(first["id"], b"new")
    work()
    assert body_of(red.ask("get", f"images/{first['id']}/file")) == b"new"


def test_an_image_deleted_during_its_upload_leaves_nothing(red: Client, store: Path) -> None:
    image = red.create()

    def pieces() -> Any:
        yield b"half"
        Image.objects.filter(pk=image["id"]).delete()
        yield b"half"

    from images.images.errors import Overtaken
    from tests.simulated import actor

    with pytest.raises(Overtaken):
        data.upload(actor("red"), image_id=image["id"], pieces=pieces(), expected=None)
    assert left_in(store) == []


def test_an_upload_that_was_given_up_cannot_overwrite_a_later_one(red: Client) -> None:
    image = red.create()

    def slow() -> Any:
        yield b"slow"
        data.give_up(image["id"])
        assert red.upload(image["id"], b"quick").status_code == 204
        yield b"slow"

    from images.images.errors import Overtaken
    from tests.simulated import actor

    with pytest.raises(Overtaken):
        data.upload(actor("red"), image_id=image["id"], pieces=slow(), expected=None)
    assert body_of(red.ask("get", f"images/{image['id']}/file")) == b"quick"


def test_bytes_of_an_upload_that_is_given_up_go_before_the_next_may_begin(
    red: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise they could be the next one's: its image would be active without data."""
    image = red.create()
    found: list[str] = []
    remove = stores.remove

    def watched(image_id: str) -> None:
        found.append(Image.objects.get(pk=image_id).status)
        remove(image_id)

    monkeypatch.setattr(stores, "remove", watched)

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the client went away")

    from tests.simulated import actor

    with pytest.raises(OSError, match="went away"):
        data.upload(actor("red"), image_id=image["id"], pieces=broken(), expected=None)
    assert found == ["saving"]
    assert red.show(image["id"])["status"] == "queued"


def test_small_uploads_of_unknown_size_do_not_eat_what_is_kept_free(
    red: Client, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept free is the database's: bodies in chunks, each shorter than the next look at it, went into it without end."""
    from common.stores import StoreFull
    from common.stores.files import FileStore
    from tests.simulated import actor

    image = red.create()
    free = [0]
    monkeypatch.setattr(FileStore, "free", lambda self: free[0])
    with pytest.raises(StoreFull):
        data.upload(actor("red"), image_id=image["id"], pieces=iter([b"little"]), expected=None)
    assert left_in(store) == [] and red.show(image["id"])["status"] == "queued"
    free[0] = 1
    came = [0]

    def many() -> Iterator[bytes]:
        for _piece in range(40):
            came[0] += 1
            free[0] = 0 if came[0] > 2 else 1
            yield bytes(PIECE)

    with pytest.raises(StoreFull):
        data.upload(actor("red"), image_id=image["id"], pieces=many(), expected=None)
    assert came[0] <= 9 and left_in(store) == []


def test_the_size_quota_stops_an_upload_while_it_streams(red: Client, store: Path) -> None:
    from quota import services as quota

    quota.set_default("image", "image_size_total", 1)
    image = red.create()
    answer = red.upload(image["id"], bytes(PIECE + 1))
    assert answer.status_code == 413
    assert "image_size_total" in answer.json()["message"]
    assert red.show(image["id"])["status"] == "queued"
    assert left_in(store) == []
    assert red.upload(image["id"], bytes(PIECE)).status_code == 204


def test_so_many_images_may_arrive_at_once(red: Client, store: Path) -> None:
    from quota import services as quota
    from tests.simulated import actor

    quota.set_default("image", "image_count_uploading", 1)
    first, second = red.create(), red.create()

    def slow() -> Iterator[bytes]:
        yield b"some"
        answer = red.upload(second["id"], b"other")
        assert answer.status_code == 413
        assert "image_count_uploading" in answer.json()["message"]
        yield b" more"

    data.upload(actor("red"), image_id=first["id"], pieces=slow(), expected=None)
    assert red.show(second["id"])["status"] == "queued"
    assert red.upload(second["id"], b"other").status_code == 204


def test_a_full_disk_is_a_sentence(red: Client, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = red.create()
    monkeypatch.setattr(stores.default(), "free", lambda: 10)
    answer = red.upload(image["id"], b"more than ten bytes")
    assert answer.status_code == 413
    assert "no room" in answer.json()["message"]
    assert red.show(image["id"])["status"] == "queued"


def test_a_silent_upload_goes_back_to_queued(red: Client) -> None:
    from datetime import timedelta

    from common.clock import now

    image = red.create()
    Image.objects.filter(pk=image["id"]).update(status="saving", alive_at=now() - timedelta(hours=1))
    data.recover()
    assert red.show(image["id"])["status"] == "queued"


def test_a_deactivated_image_is_read_by_admins_only(red: Client, admin: Client) -> None:
    image = red.create()
    assert red.ask("post", f"images/{image['id']}/actions/deactivate").status_code == 400
    red.upload(image["id"], b"x")
    assert red.ask("post", f"images/{image['id']}/actions/deactivate").status_code == 204
    assert red.ask("post", f"images/{image['id']}/actions/deactivate").status_code == 204
    assert red.show(image["id"])["status"] == "deactivated"
    assert red.ask("get", f"images/{image['id']}/file").status_code == 403
    assert admin.ask("get", f"images/{image['id']}/file").status_code == 200
    assert red.ask("post", f"images/{image['id']}/actions/reactivate").status_code == 204
    assert red.ask("get", f"images/{image['id']}/file").status_code == 200


def test_images_lie_in_any_store(red: Client, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the image service knows that its store is a folder."""
    registry = Registry()
    registry.add(MemoryStore("ram"))
    monkeypatch.setattr(stores, "STORES", registry)
    image = red.create()
    assert red.upload(image["id"], b"0123456789").status_code == 204
    assert red.show(image["id"])["stores"] == "ram"
    answer = red.ask(
        "get", f"images/{image['id']}/file", HTTP_RANGE="bytes=2-4", HTTP_X_SENDFILE_TYPE="X-Accel-Redirect"
    )
    assert (answer.status_code, body_of(answer)) == (206, b"234")
    assert red.ask("get", "info/stores").json() == {
        "stores": [{"id": "ram", "description": "Memory", "default": "true"}]
    }
    assert red.ask("delete", f"images/{image['id']}").status_code == 204
    work()
    assert registry.default.used_below("") == 0 and left_in(store) == []
