"""A prepared read gives what its query set gives, for every shape and any arguments."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count, QuerySet
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.prepared import Prepared, PreparedMany
from operations.models import Operation, OperationStep


def operations(count: int) -> list[Operation]:
    rows = [
        Operation(
            id=f"op{n}", flow=f"flow{n % 2}", subject_kind="x", subject_id=str(n), action="a", data={"n": [n, None]}
        )
        for n in range(count)
    ]
    Operation.objects.bulk_create(rows)
    OperationStep.objects.bulk_create(
        [OperationStep(operation=row, index=0, name="s", answer={"a": 1}) for row in rows]
    )
    return rows


SHAPES: list[Callable[[str], QuerySet[Any, Any]]] = [
    lambda flow: Operation.objects.filter(flow=flow).order_by("id"),
    lambda flow: (
        Operation.objects.filter(flow=flow).order_by("-created_at", "id").values("id", "data", "has_subscriptions")
    ),
    lambda flow: Operation.objects.filter(flow=flow).order_by("id").values_list("id", "wake_at"),
    lambda flow: Operation.objects.filter(flow=flow).values("flow").annotate(n=Count("id")).order_by(),
    lambda flow: OperationStep.objects.filter(operation__flow=flow).values("operation__data", "answer", "finished_at"),
    lambda flow: (
        Operation.objects.exclude(flow=flow).order_by("steps__index", "id").values_list("subject_id").distinct()
    ),
    lambda flow: Operation.objects.filter(flow=flow)[:1],
]


def plain(rows: Any) -> list[Any]:
    return [row.__dict__ | {"_state": None} if hasattr(row, "__dict__") else row for row in rows]


class Same(TestCase):
    def test_every_shape(self) -> None:
        operations(7)
        for make in SHAPES:
            prepared = Prepared(make)
            for flow in ("flow0", "flow1", "none", "'; DROP TABLE x; --", "%s", ""):
                assert plain(prepared(flow)) == plain(make(flow))
            assert prepared.first("none-such-flow") in (None, *make("none-such-flow"))

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.integers(0, 90), max_size=80))
    def test_lists_of_any_length(self, numbers: list[int]) -> None:
        Operation.objects.all().delete()
        operations(81)
        ids = [f"op{n}" for n in numbers]
        assert plain(MANY(ids)) == plain(Operation.objects.filter(pk__in=ids).order_by("id"))

    def test_lists_as_long_as_a_statement_takes_and_one_more(self) -> None:
        operations(81)
        for length in (64, 65, 1001, 1002):
            ids = [f"op{n % 90}" for n in range(length)]
            assert plain(MANY(ids)) == plain(Operation.objects.filter(pk__in=ids).order_by("id"))


MANY = PreparedMany(lambda ids: Operation.objects.filter(pk__in=ids).order_by("id"))


@pytest.mark.django_db
def test_an_argument_that_is_not_passed_on_is_refused() -> None:
    with pytest.raises(ValueError, match="does not reach the database"):
        Prepared(lambda text: Operation.objects.filter(flow__contains=text))("a")


@pytest.mark.django_db
def test_reading_costs_one_query(django_assert_num_queries: Any) -> None:
    find = Prepared(lambda flow: Operation.objects.filter(flow=flow))
    operations(3)
    with django_assert_num_queries(2):
        assert len(find("flow0")) == 2 and len(find("flow1")) == 1
