"""docs/howto/add-a-service.md is true: what it has a reader write is a service that passes the house's checks and tests."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.howto import blocks
from tests.live import CLONE

pytestmark = pytest.mark.process

PAGE = CLONE / "docs" / "howto" / "add-a-service.md"
MOST_EDITS = 4
LIST_PAGE = 40  # lines
#: Tests of the house that hold a new app to its rules: bounds and keepers of tables, records, panels, states, errors.
HOUSE = (
    "tests/common/test_ceilings.py::test_no_table_of_a_users_grows_without_a_bound",
    "tests/cloud/test_keeping.py",
    "tests/audit/test_audit_reading.py::test_every_action_and_outcome_has_a_word",
    "tests/portal/test_panels.py",
    "tests/operations/test_subject.py",
    "tests/openstackapi/test_full_disk.py",
)
PYTEST = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow")
#: What stands in for the clone's own settings and caches in the copy.
ENVIRONMENT = {"STACKLING_SECRET_KEY": "signs-nothing", "DJANGO_SETTINGS_MODULE": "cloud.settings"}


class Copy:
    """A copy of the tree with the how-to's blocks in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        blocks.copy(path)
        self.edited = blocks.write(blocks.blocks(PAGE), path)
        self.run("manage.py", "makemigrations", "bookings")
        states = self.run("manage.py", "states")
        (path / "docs" / "states.md").write_text(states)
        self.edited.append("docs/states.md")
        self.run("-m", "ruff", "check", "--fix", "--quiet", "bookings/migrations")
        self.run("-m", "ruff", "format", "--quiet", "bookings/migrations")

    def run(self, *command: str) -> str:
        """Run Python in the copy; what it printed. Raises: AssertionError with that, where it failed."""
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(self.path)}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.path, env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    yield Copy(tmp_path_factory.mktemp("service"))


def test_a_new_app_costs_four_central_edits(copy: Copy) -> None:
    known = subprocess.run(["git", "diff", "--name-only"], cwd=copy.path, check=True, capture_output=True, text=True)
    assert sorted(known.stdout.split()) == sorted(copy.edited), "what the page says is edited, and nothing else"
    assert len(copy.edited) <= MOST_EDITS


def test_its_list_page_is_forty_lines_at_most(copy: Copy) -> None:
    text = (copy.path / "portal" / "bookings" / "views.py").read_text()
    page = text[text.index("class Bookings(") : text.index("class BookingItem(")].rstrip()
    assert len(page.splitlines()) <= LIST_PAGE


def test_the_service_works_and_keeps_the_rules_of_the_house(copy: Copy) -> None:
    """The API, its versions, filters and pages, quota, policy, the page of the portal, and what goes with a project."""
    copy.run(*PYTEST, "tests/bookings", *HOUSE)


def test_its_flows_have_the_properties_of_every_flow(copy: Copy) -> None:
    """Each step fails, is repeated, undone twice; control dies; messages are doubled, reordered, lost; its host dies."""
    said = copy.run(*PYTEST, "-vv", "tests/flows", "-k", "booking or shape or scenario")
    for flow, times in (("booking.keep", 10), ("booking.delete", 9)):
        assert len(re.findall(rf"\[(\w+-)?{flow}.*PASSED", said)) >= times, said


@pytest.mark.parametrize("check", ["lint", "format", "types", "import contracts", "migrations", "translations"])
def test_the_checks_pass(copy: Copy, check: str) -> None:
    code = f"from tests import check; check.CHECKS[{check!r}]()"
    copy.run("-c", code)
