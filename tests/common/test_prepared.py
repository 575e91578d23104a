"""Queries that are compiled once."""

import pytest
from django.db.models import Q

from common.prepared import PreparedCount
from hosts.models import Host
from hosts.states import HostState

pytestmark = pytest.mark.django_db


def test_rows_are_counted_anew_each_time_for_what_is_asked() -> None:
    count = PreparedCount(lambda state, name: Host.objects.filter(Q(state=state) | Q(name=name)).order_by("-number"))
    assert count(HostState.UP, "h9") == 0
    Host.objects.bulk_create([Host(name=f"h{n}", number=n, state=HostState.UP) for n in range(3)])
    Host.objects.create(name="h9", number=9, state=HostState.DOWN)
    assert (count(HostState.UP, "h9"), count(HostState.UP, ""), count(HostState.DOWN, "")) == (4, 3, 1)
