"""What every REST resource shares: a row or its 404, tags, filters by a column's type, links to both sides."""

from typing import Any

import pytest
from django.db.models import Q
from django.test import RequestFactory

from identity.models import Domain, Project, ProjectTag
from identity.projects.services import PROJECTS
from networking.errors import NetworkNotFound
from networking.networks.api import NETWORK
from networking.networks.models import Network
from networking.resource import InvalidFilter
from openstackapi import resource
from openstackapi.pagination import NEUTRON, Page

pytestmark = pytest.mark.django_db
TAGS = {"r": ("red",), "rb": ("red", "blue"), "b": ("blue",), "none": ()}


@pytest.fixture
def tagged() -> None:
    domain = Domain.objects.create(id="d", name="d")
    for name, tags in TAGS.items():
        project = Project.objects.create(id=name, name=name, domain=domain)
        ProjectTag.objects.bulk_create(ProjectTag(project=project, name=tag) for tag in tags)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"tags": ["red"]}, {"r", "rb"}),
        ({"tags": ["red,blue"]}, {"rb"}),
        ({"tags": ["red", "blue"]}, {"rb"}),
        ({"tags-any": ["red,blue"]}, {"r", "rb", "b"}),
        ({"not-tags": ["red,blue"]}, {"r", "b", "none"}),
        ({"not-tags-any": ["red,blue"]}, {"none"}),
        ({"tags": ["red"], "not-tags": ["blue"]}, {"r"}),
        ({"tags": [","]}, {"r", "rb", "b", "none"}),
    ],
)
def test_tags_are_all_any_not_all_or_none(tagged: None, asked: dict[str, list[str]], fits: set[str]) -> None:
    def having(tags: Any) -> Q:
        return Q(pk__in=ProjectTag.objects.filter(name__in=tags).values("project_id"))

    rows = resource.filter_tags(Project.objects.filter(domain_id="d"), asked, having)
    assert set(rows.values_list("id", flat=True)) == fits


def test_a_row_outside_of_those_one_sees_is_missing(tagged: None) -> None:
    assert resource.find(PROJECTS.rows().filter(name="r"), "r", NetworkNotFound).id == "r"
    with pytest.raises(NetworkNotFound):
        resource.find(PROJECTS.rows().filter(name="b"), "r", NetworkNotFound)
    with pytest.raises(NetworkNotFound):
        resource.find(PROJECTS.rows(), "nobody", NetworkNotFound)


def test_values_are_read_as_their_column_is_typed() -> None:
    Network.objects.create(id="n1", project_id="p", name="one", mtu=1400, conntrack_zone=1)
    Network.objects.create(id="n2", project_id="p", name="two", mtu=1500, conntrack_zone=2, admin_state_up=False)

    def found(**asked: list[str]) -> set[str]:
        return {row.id for row in NETWORK.filtered(Network.objects.all(), asked)}

    assert found(admin_state_up=["False"]) == {"n2"}
    assert found(revision_number=["1"]) == {"n1", "n2"}
    assert found(name=["one", "two"]) == {"n1", "n2"}
    assert found(unheard_of=["x"]) == {"n1", "n2"}
    for name in ("revision_number", "created_at"):
        with pytest.raises(InvalidFilter, match=name):
            found(**{name: ["soon"]})


@pytest.mark.parametrize(
    ("query", "more", "rels"),
    [
        ("", False, []),
        ("limit=2", True, ["next"]),
        ("limit=2&marker=a", True, ["next", "previous"]),
        ("limit=2&marker=a", False, ["previous"]),
        ("limit=2&marker=e&page_reverse=True", True, ["next", "previous"]),
        ("limit=2&marker=e&page_reverse=True", False, ["next"]),
    ],
)
def test_links_lead_to_both_sides(query: str, more: bool, rels: list[str]) -> None:
    request = RequestFactory().get(f"/v2.0/things?{query}")
    page = Page.from_request(request, paging=NEUTRON)
    page.more = more
    links = page.both_links(request, ["b", "c"])
    assert [link["rel"] for link in links] == rels
    for link in links:
        assert ("marker=c" in link["href"]) == (link["rel"] == "next")
        assert ("page_reverse=True" in link["href"]) == (link["rel"] == "previous")
    assert page.both_links(request, []) == []
