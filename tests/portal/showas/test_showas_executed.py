"""Each form is run: what the portal shows for what somebody typed comes to the same as the portal's own doing."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from portal.showas.registry import kinds
from tests.live import LiveCloud
from tests.portal.showas.client import installed
from tests.portal.showas.running import WAYS, Person, plain, steps
from tests.portal.showas.work import Case, Work
from tests.rest import Rest

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
#: One of each service, in every run.
QUICK = (
    "import_a_key", "make_a_security_group", "make_a_group", "set_the_metadata_of_an_image", "list /hosts/-/resource-providers",
    "make_an_identity_provider", "rename_a_server",
)  # fmt: skip
CASES: list[Case] = [case for name in MODULES for case in import_module(f"tests.portal.showas.{name}").CASES]


def test_the_quick_cases_are_there() -> None:
    assert set(QUICK) <= {case.name for case in CASES}


def test_each_kind_of_call_is_run_by_a_case() -> None:
    assert sorted(kinds().keys() - {name for case in CASES for name in case.kinds}) == []
    assert sorted({name for case in CASES for name in case.kinds} - kinds().keys()) == []


@pytest.fixture(scope="module")
def people(fake_cloud: LiveCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Person]]:
    with installed(tmp_path_factory.mktemp("programs")) as programs:
        yield {
            name: Person(fake_cloud.url, name, fake_cloud.password(name), Rest(fake_cloud, name), programs)
            for name in ("demo", "admin")
        }


@pytest.mark.lab
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "case", [pytest.param(one, id=one.name, marks=[] if one.name in QUICK else pytest.mark.slow) for one in CASES]
)
def test_the_forms_come_to_the_same(case: Case, people: dict[str, Person]) -> None:
    seen = {}
    for way in WAYS:
        work = Work(people[case.account].rest, people["admin"].rest)
        try:
            seen[way] = plain(steps(case, work, people[case.account], way), work.name)
        finally:
            work.remove()
        assert work.asked == set(case.kinds)
    assert all(found == seen[WAYS[0]] for found in seen.values()), seen
