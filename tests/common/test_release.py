"""The version stands in one place, and what a release leaves behind is there."""

import re
from pathlib import Path

from hostagent.contract.version import RELEASE

CLONE = Path(__file__).resolve().parents[2]
SECTIONS = re.findall(r"^## (\S+)(?: \((\d{4}-\d{2}-\d{2})\))?$", (CLONE / "CHANGELOG.md").read_text(), re.MULTILINE)
KEPT = sorted(path.name for path in (CLONE / "tests" / "releases").iterdir() if path.is_dir())


def test_the_changelog_begins_with_this_release() -> None:
    newest, date = SECTIONS[0]
    if ".dev" in RELEASE:
        assert (newest, date) == ("Unreleased", "")
    else:
        assert newest == RELEASE and date


def test_each_release_of_the_changelog_left_its_database() -> None:
    assert sorted(name for name, date in SECTIONS if date) == KEPT
