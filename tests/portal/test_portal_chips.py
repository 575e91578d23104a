"""The chips over the list of instances: what one counts is what it selects."""

import pytest
from django.db.models import CharField, Value

from compute.servers.lifecycle import states
from portal.servers.listing import CHIPS

ALL = sorted(
    value
    for name, value in vars(states).items()
    if name.isupper() and isinstance(value, str) and value == value.lower()
)


@pytest.mark.django_db
@pytest.mark.parametrize("name", CHIPS)
def test_a_chip_counts_what_it_selects(name: str) -> None:
    assert {states.ACTIVE, states.BUILDING, states.ERROR, states.RESIZED} <= set(ALL)
    for vm_state in ALL:
        for task in (None, "rebooting"):
            selected = CHIPS[name].where.check({"vm_state": vm_state, "task_state": Value(task, CharField())})
            assert CHIPS[name].selects(vm_state, is_busy=task is not None) is selected, (vm_state, task)
