"""How many servers of a launch fit, and what counting them costs."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compute.quotasets.api import SETS, ProjectUnknown, QuotaBelowUse, QuotaLimitRefused
from compute.servers.create import limits
from compute.servers.models import Server
from identity.models import Domain, Project
from quota import services as quota

FLAVOR = {"vcpus": 2, "ram": 512}
PROJECT = "p" * 32


def servers(count: int) -> None:
    for _ in range(count):
        Server.objects.create(name="s", hostname="s", project_id=PROJECT, user_id="u", flavor_id="f", flavor=FLAVOR)


def fitting(at_least: int, at_most: int) -> int:
    with transaction.atomic():
        return limits.fitting(PROJECT, FLAVOR, at_least=at_least, at_most=at_most)


@pytest.fixture
def limited(db: Any) -> None:
    domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
    Project.objects.create(pk=PROJECT, name="quota", domain=domain)
    for name, limit in (("instances", 50), ("cores", 60), ("ram", -1)):
        quota.set(PROJECT, "compute", name, limit)


def test_as_many_fit_as_the_scarcest_quota_has_left(limited: None) -> None:
    servers(3)
    assert limits.counted(PROJECT) == {"instances": 3, "cores": 6, "ram": 1536}
    assert fitting(1, 1000) == 27
    assert fitting(1, 5) == 5
    with pytest.raises(quota.QuotaExceeded) as refused:
        fitting(28, 1000)
    assert (refused.value.data["resource"], refused.value.data["asked"]) == ("cores", 56)


def test_a_resized_or_deleted_server_counts_as_it_is_now(limited: None) -> None:
    servers(2)
    one, two = Server.objects.all()
    one.change(flavor={"vcpus": 4, "ram": 1024})
    two.change(deleted=True)
    assert limits.counted(PROJECT) == {"instances": 1, "cores": 4, "ram": 1024}


def test_a_thousand_asked_cost_the_statements_of_one(limited: None) -> None:
    """D (_within_quota): it counted down one by one, eight statements each, inside the write lock."""
    with CaptureQueriesContext(connection) as one:
        fitting(1, 1)
    with CaptureQueriesContext(connection) as many:
        fitting(1, 1000)
    assert len(many) <= len(one)


def test_the_sums_read_an_index_and_no_server(limited: None) -> None:
    """D (quota): it parsed the flavor of every server of the project."""
    servers(1)
    with CaptureQueriesContext(connection) as seen:
        limits.counted(PROJECT)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + seen.captured_queries[-1]["sql"])
            plan = " ".join(row[-1] for row in cursor.fetchall())
        assert "COVERING INDEX servers_quota" in plan, plan


def test_limits_of_a_quota_set_change_together_or_not_at_all(limited: None) -> None:
    before = quota.limits(PROJECT, "compute")
    with pytest.raises(QuotaLimitRefused, match="ram"):
        SETS.change(PROJECT, {"cores": 20, "ram": "-2"}, force=False)
    servers(2)
    with pytest.raises(QuotaBelowUse, match="cores"):
        SETS.change(PROJECT, {"instances": 5, "cores": 3}, force=False)
    with pytest.raises(ProjectUnknown):
        SETS.change("nobody", {"cores": 20}, force=True)
    assert quota.limits(PROJECT, "compute") == before
    SETS.change(PROJECT, {"instances": "5", "cores": 3}, force=True)
    assert quota.limits(PROJECT, "compute") == before | {"instances": 5, "cores": 3}
