"""Parts of pages that are rendered once."""

from typing import Any

import pytest

from portal.ui import kept


@pytest.fixture(autouse=True)
def none_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_parts", type(kept._parts)())


def rendered(monkeypatch: pytest.MonkeyPatch, length: int) -> list[Any]:
    made: list[Any] = []
    monkeypatch.setattr(kept, "render_to_string", lambda *asked: made.append(asked) or "x" * length)
    return made


def test_a_part_is_rendered_once_for_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    made = rendered(monkeypatch, 10)
    for key in (1, 1, 2):
        assert len(kept.part("a.html", key)) == 10
    assert len(made) == 2


def test_what_an_address_makes_long_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack: each address is another part, and repeated in it."""
    rendered(monkeypatch, kept.LONGEST + 1)
    assert len(kept.part("a.html", "/instances?q=…")) > kept.LONGEST and not kept._parts
    rendered(monkeypatch, 10)
    for key in range(kept.MOST + 5):
        kept.part("a.html", key)
    assert len(kept._parts) == kept.MOST
