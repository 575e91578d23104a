"""Fixtures of lab machines. One lab a run; each test begins with machines as they were saved."""

from collections.abc import Iterator

import pytest

from tests.machines import product as products
from tests.machines.lab import Lab
from tests.machines.machine import Machine
from tests.machines.product import Product

_labs: list[Lab] = []


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this run, with the image built (minutes, the first time) and no machine on."""
    with Lab() as made:
        _labs.append(made)
        try:
            yield made
        finally:
            _labs.remove(made)
            print(f"\nlab machines, seconds: {made.seconds}")


@pytest.fixture
def machine(lab: Lab) -> Iterator[Machine]:
    """m1 at its prompt, with disks `spare` (4 GiB) and `spare2` (2 GiB) blank and eth1 without an address."""
    yield lab.restored(1)
    lab.retire(1)


@pytest.fixture
def machines(lab: Lab) -> Iterator[tuple[Machine, Machine]]:
    """m1 and m2, as `machine`; their eth1 are on one bridge."""
    yield lab.restored(1), lab.restored(2)
    for number in (1, 2):
        lab.retire(number)


@pytest.fixture
def product(lab: Lab) -> Iterator[Product]:
    """A cloud of this clone's last commit that is ready on m1, its host the machine itself, with the image `counter` in it."""
    yield products.restored(lab)
    lab.retire(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows what its machines said."""
    report = yield
    if report.failed:
        for made in _labs:
            report.sections.append(("lab machines", made.dump()))
    return report
