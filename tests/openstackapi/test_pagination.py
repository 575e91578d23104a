"""Pages of lists: by each service's habits, of a query and of a list in memory alike."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import RequestFactory

from common.errors import Invalid
from identity.models import Domain, Project
from openstackapi.pagination import (
    KEYSTONE,
    LARGEST,
    NEUTRON,
    NOVA,
    NOVA_ZERO_IS_ALL,
    PLAIN,
    BadLimit,
    BadMarker,
    MarkerNotFound,
    NoMarker,
    Page,
    Paging,
)

BY_ID = (("id", "asc"),)


def page(query: str, paging: Paging = PLAIN, **more: Any) -> Page:
    return Page.from_request(RequestFactory().get(f"/things?{query}"), default_sort=BY_ID, paging=paging, **more)


@pytest.mark.parametrize(
    ("paging", "sizes"),
    [
        (PLAIN, (1000, 0, 5, 1000)),
        (NOVA_ZERO_IS_ALL, (1000, 1000, 5, 1000)),
        (KEYSTONE, (LARGEST, LARGEST, 5, LARGEST)),
        (Paging(usual=25), (25, 0, 5, 1000)),
    ],
)
def test_a_page_has_the_size_of_its_service(paging: Paging, sizes: tuple[int, ...]) -> None:
    asked = ("", "limit=0", "limit=5", "limit=99999")
    assert tuple(page(query, paging).limit for query in asked) == sizes
    with pytest.raises(BadLimit):
        page("limit=few", paging)


def test_a_list_without_keys_to_sort_by_does_not_look_at_sorting() -> None:
    """As Keystone, which leaves parameters aside that it does not know."""
    for query in ("sort_key=name", "sort=name:up"):
        assert page(query).sort == list(BY_ID)
        with pytest.raises(Invalid):
            page(query, sort_keys={"id": "id"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found", "more"),
    [
        ("", "abcd", False),
        ("limit=2", "ab", True),
        ("limit=2&marker=b", "cd", False),
        ("limit=1&marker=b", "c", True),
        ("marker=d", "", False),
    ],
)
def test_a_list_in_memory_has_the_pages_of_a_query(query: str, found: str, more: bool) -> None:
    domain = Domain.objects.create(id="d", name="d", is_domain=True)
    Project.objects.bulk_create(Project(id=f"{name}1", name=name, domain=domain) for name in "abcd")
    rows = Project.objects.filter(domain_id="d").order_by("id")
    query = query.replace("=b", "=b1").replace("=d", "=d1")
    by_query, in_memory = page(query), page(query)
    assert "".join(row.name for row in by_query.read(rows)) == found
    assert "".join(row.name for row in in_memory.part(list(rows), lambda row: row.id)) == found
    assert by_query.more is in_memory.more is more


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("paging", "error"), [(PLAIN, BadMarker), (NOVA, MarkerNotFound), (KEYSTONE, NoMarker), (NEUTRON, BadMarker)]
)
def test_an_unknown_marker_is_told_as_its_service_tells_it(paging: Paging, error: type[Exception]) -> None:
    rows = Project.objects.all()
    with pytest.raises(error, match="nobody"):
        page("marker=nobody", paging).read(rows)
    with pytest.raises(error, match="nobody"):
        page("marker=nobody", paging).part(list(rows), lambda row: row.id)


@pytest.mark.django_db
def test_a_marker_may_be_a_row_that_the_filters_leave_out() -> None:
    domain = Domain.objects.create(id="d", name="d", is_domain=True)
    Project.objects.bulk_create(Project(id=id, name=id, domain=domain, enabled=id != "b") for id in "abc")
    rows = Project.objects.filter(domain_id="d", enabled=True)
    assert [row.id for row in page("marker=b").read(rows, markers=Project.objects.all())] == ["c"]
    with pytest.raises(BadMarker):
        page("marker=b").read(rows)


def test_before_its_version_a_list_is_whole() -> None:
    paging = replace(NOVA, since=(2, 33))
    whole = page("limit=1&marker=nobody", paging, version=(2, 32))
    assert whole.part(["a", "b"], str) == ["a", "b"] and not whole.more
    assert page("limit=1", paging, version=(2, 33)).part(["a", "b"], str) == ["a"]


def test_only_neutron_reads_backwards() -> None:
    assert page("page_reverse=True", NEUTRON).reverse
    assert not any(page("page_reverse=True", paging).reverse for paging in (PLAIN, NOVA, KEYSTONE))
