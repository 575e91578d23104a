"""A project that owns anything its users made is not deleted by one mistyped word (A8)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from authorization.context import RequestContext
from compute.servers.models import Server
from identity import models as identity
from identity.domains.services import DOMAINS
from identity.models import Project
from identity.projects import owned
from identity.projects.services import PROJECTS
from images.images.models import Image
from images.metadefs.models import Namespace
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.models import Port
from networking.routers.models import Router
from networking.securitygroups.defaults import ensure_default
from networking.securitygroups.models import SecurityGroup
from networking.standard import Tag
from networking.subnets.models import Subnet
from sharing import shareable
from sharing.models import UserShare
from tests.simulated import Cloud, actor

ADMIN = RequestContext.internal("an operator")


@pytest.fixture
def project(world: Cloud, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Project red in a domain of its own."""
    monkeypatch.setattr("identity.resource.policy.allows", lambda *args: True)
    domain = Project.objects.create(id="d", name="d", is_domain=True)
    return Project.objects.create(id="red", name="red", domain=domain, parent=domain)


def named_models() -> set[type]:
    """Every model of which somebody said what becomes of it when its project goes."""
    return set(owned._aside).union(*(kind.models for kind in owned._owned))


def refused(project: Project) -> str:
    with pytest.raises(owned.ProjectOwnsThings) as error:
        PROJECTS.delete(ADMIN, project.pk)
    assert Project.objects.filter(pk=project.pk).exists()
    return error.value.message


def test_every_model_with_a_project_says_what_becomes_of_it() -> None:
    """A8: a new service joins by being there: a model that names a project and that no registry names fails here."""
    silent = []
    for model in apps.get_models():
        if model is Project or model._meta.proxy:
            continue
        names = {field.attname for field in model._meta.concrete_fields if hasattr(field, "attname")}
        to_project = any(
            isinstance(f, models.ForeignKey) and f.related_model is Project and f.name == "project"
            for f in model._meta.concrete_fields
        )
        if (to_project or "project_id" in names) and model not in named_models():
            silent.append(model._meta.label)
    assert silent == []


MADE: dict[str, Callable[[Any], None]] = {
    "1 instance (one)": lambda world: world["launch"]("one"),
    "2 images (demo, golden; protected: golden)": lambda world: Image.objects.create(
        project_id="red", name="golden", protected=True, status="active", disk_format="raw", container_format="bare"
    ) and None,
    "1 network (private)": lambda world: None,
    "1 security group (web)": lambda world: SecurityGroup.objects.create(project_id="red", name="web") and None,
    "1 metadata namespace (ns)": lambda world: Namespace.objects.create(namespace="ns", project_id="red") and None,
}  # fmt: skip


@pytest.mark.parametrize("said", MADE)
def test_a_project_that_owns_something_stays_and_says_what(
    world: Cloud, project: Project, launch: Any, network: Any, said: str
) -> None:
    """A8: 409 with kinds, counts and the first names; protected images by name."""
    MADE[said]({"launch": launch})
    message = refused(project)
    assert said in message and "?cascade=true" in message
    assert Network.objects.filter(project_id="red").exists()


def test_many_are_counted_and_the_first_named(world: Cloud, project: Project) -> None:
    for number in range(5):
        SecurityGroup.objects.create(project_id="red", name=f"g{number}")
    assert "5 security groups (g0, g1, g2 …)" in refused(project)


def test_what_the_cloud_makes_by_itself_and_what_is_gone_already_hold_nothing_up(
    world: Cloud, project: Project, launch: Any, network: Any, red: Any
) -> None:
    """A8: Tempest's tear-down deletes what its tests made, and then the project."""
    server_id = launch("gone")
    ensure_default("red")
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    Image.objects.all().delete()
    for port in Port.objects.filter(project_id="red", server_id="", role=""):
        ports.delete(actor("red"), port.pk)
    Network.objects.filter(project_id="red").update(project_id="blue")
    Subnet.objects.filter(project_id="red").update(project_id="blue")
    assert SecurityGroup.objects.filter(project_id="red", is_default=True).exists()
    assert Server.objects.filter(id=server_id, deleted=True).exists()
    PROJECTS.delete(ADMIN, "red")
    assert not Project.objects.filter(pk="red").exists()
    assert not SecurityGroup.objects.filter(project_id="red").exists()


def test_cascade_deletes_it_in_order(world: Cloud, project: Project, launch: Any, network: Any) -> None:
    """A8: by an explicit word all of it goes, machines first."""
    server_id = launch("one")
    Image.objects.filter(project_id="red").update(protected=True)
    SecurityGroup.objects.create(project_id="red", name="web")
    PROJECTS.delete(ADMIN, "red", cascade=True)
    world.settle()
    assert Server.objects.get(id=server_id).deleted and world.domains("host1") == {}
    for model in (Network, Port, SecurityGroup, Image, FloatingIP):
        assert not model.objects.filter(project_id="red").exists(), model
    assert owned.holdings(["red"]) == [] and not Project.objects.filter(pk="red").exists()


def test_no_tag_and_no_share_outlives_what_went_with_its_project(project: Project, network: Any) -> None:
    """What hangs on a row by its id alone goes by the one function that removes the row."""
    subnet, router = Subnet.objects.get(), Router.objects.create(project_id="red", name="r")
    for row in (network, subnet, router, SecurityGroup.objects.create(project_id="red", name="web")):
        Tag.objects.create(kind="any", resource_id=row.pk, tag="mine")
    kind = shareable.find("network")
    UserShare.objects.create(
        user=identity.User.objects.create(name="bo", domain_id="d"), content_type=shareable.content_type(kind),
        object_pk=network.pk, permission=shareable.permission(kind, "use"), given_by="someone",
    )  # fmt: skip
    PROJECTS.delete(ADMIN, "red", cascade=True)
    assert not Tag.objects.exists() and not UserShare.objects.exists()


def test_a_domain_is_no_way_around_it(world: Cloud, project: Project, network: Any) -> None:
    """A8's sibling: a disabled domain took all of its projects, and all they owned, with it."""
    Project.objects.filter(pk="d").update(enabled=False)
    with pytest.raises(owned.ProjectOwnsThings, match="1 network "):
        DOMAINS.delete(ADMIN, "d")
    assert Network.objects.filter(project_id="red").exists()
    DOMAINS.delete(ADMIN, "d", cascade=True)
    assert not Network.objects.filter(project_id="red").exists()


def test_a_user_takes_along_only_what_is_the_users_own() -> None:
    """A8's sibling: what hangs on a user by the database: credentials, trusts, roles and shares, nothing of a project."""
    kinds = {
        relation.related_model._meta.label
        for relation in identity.User._meta.related_objects
        if getattr(relation, "on_delete", None) is models.CASCADE
    }
    assert not {model._meta.label for model in named_models() if model._meta.app_label != "identity"} & kinds
