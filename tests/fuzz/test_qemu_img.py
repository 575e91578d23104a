"""User texts that reach qemu-img: the ids and formats of images. Whatever passes is one file name and one known format."""

import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from common.errors import CloudError
from images.images import fields
from openstackapi import bodies
from tests.fuzz.texts import SEEDS, texts

BODY = {"type": "object", "properties": {"id": {"type": "string", "pattern": fields.UUID}}}
GOOD = "22222222-2222-4333-8444-555555555555"


def ids(seed: int, count: int) -> list[str]:
    """Ids of images that a create lets through."""
    kept = []
    for number, any_text in enumerate(texts(seed, count)):
        text = any_text.encode(errors="replace").decode()  # JSON with half a surrogate pair is no JSON here
        if number % 200 == 0:
            text = ""
        asked: Any = (
            text if number % 3 else (GOOD + text if number % 2 else text + str(uuid.UUID(int=seed << 64 | number)))
        )
        try:
            bodies.validate({"id": asked}, BODY)
        except CloudError:
            continue
        kept.append(asked)
    return kept


def check_names(folder: Path, seed: int, count: int) -> int:
    found = set(ids(seed, count))
    for name in found:
        assert str(uuid.UUID(name)) == name.lower() and Path(name).name == name, name
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(folder / name), "1M"], check=True, timeout=60)
        subprocess.run(
            ["qemu-img", "info", "-f", "qcow2", str(folder / name)], check=True, capture_output=True, timeout=60
        )
    assert {path.name for path in folder.iterdir()} == found
    return len(found)


def test_some_ids_of_images(tmp_path: Path) -> None:
    """B6 sibling: a line end after a UUID, and what qemu-img reads as a protocol (json:, nbd:) or an option list."""
    assert check_names(tmp_path, SEEDS[0], 2000) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_ids_of_images(tmp_path: Path, seed: int) -> None:
    """B6."""
    check_names(tmp_path, seed, 10_000)
