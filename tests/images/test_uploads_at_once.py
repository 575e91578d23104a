"""The quota and the room that is left are looked at before and while bytes come."""

from collections.abc import Iterator
from typing import Any

import pytest

from common.stores import StoreFull
from common.units import MIB
from images import stores
from images.images import data
from images.images.errors import TooBig
from images.images.models import Image


@pytest.fixture
def arriving(db: None, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """Two images of one project whose bytes are coming, with a quota of 4 MiB."""
    settings.IMAGE_STORE = tmp_path
    monkeypatch.setattr(data, "CHECK_EVERY", MIB)
    monkeypatch.setattr(data.quota, "usage", lambda project, service: {"image_size_total": (0, 4)})
    return [
        Image.objects.create(
            project_id="red",
            name=f"{n}",
            status="saving",
            disk_format="raw",
            container_format="bare",
            upload_id=f"u{n}",
        )
        for n in range(2)
    ]


def pieces(count: int, meanwhile: Any = lambda number: None) -> Iterator[bytes]:
    for number in range(count):
        meanwhile(number)
        yield bytes(MIB)


def test_what_another_upload_holds_already_counts(arriving: list[Image], tmp_path: Any) -> None:
    """E: twenty uploads at once could each take all that was left of the quota."""
    first, second = arriving

    def other(number: int) -> None:
        if number == 1:
            (tmp_path / f"{first.pk}.x.part").write_bytes(bytes(3 * MIB))

    with pytest.raises(TooBig, match="image_size_total"):
        data.receive(second, pieces(4, other), second.pk, inspect=False)
    assert not (tmp_path / second.pk).exists() and [path.name for path in tmp_path.iterdir()] == [f"{first.pk}.x.part"]
    with pytest.raises(TooBig):
        data.receive(second, pieces(1), second.pk, expected=2 * MIB, inspect=False)


def test_alone_it_may_have_all_of_it(arriving: list[Image], tmp_path: Any) -> None:
    assert data.receive(arriving[0], pieces(4), arriving[0].pk, inspect=False).size == 4 * MIB


def test_the_reserve_of_the_disk_is_kept_while_bytes_come(
    arriving: list[Image], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E: a client that announces no length met a full disk, which the database shares."""
    room = iter([0])
    monkeypatch.setattr(stores.default(), "free", lambda: next(room, 0))
    with pytest.raises(StoreFull):
        data.receive(arriving[0], pieces(3), arriving[0].pk, inspect=False)
    assert not list(tmp_path.iterdir())
