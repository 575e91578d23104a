"""docs/tour.md and README show pictures that are there, small and few."""

import re

from tests.live import CLONE

IMAGES = CLONE / "docs" / "images"


def test_pictures_are_there_small_and_few() -> None:
    shown = set(re.findall(r"\(images/([\w.-]+)\)", (CLONE / "docs" / "tour.md").read_text()))
    assert set(re.findall(r"\(docs/images/([\w.-]+)\)", (CLONE / "README.md").read_text())) <= shown
    kept = {path.name: path.stat().st_size for path in IMAGES.iterdir()}
    assert shown == set(kept) and len(kept) <= 8
    assert all(size <= 150_000 for size in kept.values()), kept


def test_the_tour_takes_two_minutes() -> None:
    """As read: 200 words a minute, six seconds a picture."""
    text = (CLONE / "docs" / "tour.md").read_text()
    seconds = len(re.sub(r"!\[.*?\]\(.*?\)|`[^`]*`", "", text).split()) / 200 * 60 + text.count("![") * 6
    assert 60 <= seconds <= 150, seconds
