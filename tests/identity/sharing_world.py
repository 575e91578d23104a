"""A cloud of two projects: `demo` owns an instance, an image and a network; `guest` works elsewhere."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.clock import now
from compute.servers.models import Server
from identity import tokens
from identity.assignments import services as assignments
from identity.assignments.effective import Scope
from identity.models import Group, Project, Role, User
from identity.revocation import services as revocation
from images.images.models import Image
from networking.networks.models import Network
from sharing import shareable
from sharing.models import TABLES
from tests.identity.conftest import Api, _client, project, role, user

FLAVOR = {"vcpus": 1, "ram": 128, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "tiny", "extra_specs": {}}


def server(project_id: str, name: str = "web-1", **more: Any) -> Server:
    more = {"vm_state": "active", "flavor": FLAVOR, "flavor_id": "tiny", **more}
    return Server.objects.create(name=name, hostname=name, project_id=project_id, user_id="u", **more)


def image(project_id: str, name: str = "golden") -> Image:
    return Image.objects.create(
        project_id=project_id, name=name, status="active", visibility="private", disk_format="raw", container_format="bare",
        size=4, virtual_size=4, inspected=True,
    )  # fmt: skip


def network(project_id: str, name: str = "inner", zone: int = 9) -> Network:
    return Network.objects.create(
        project_id=project_id, name=name, kind="vxlan", segment=1000 + zone, conntrack_zone=zone, mtu=1450
    )


def person(name: str, *, in_project: str, role_name: str = "member") -> User:
    """A user with one role on one project, which is made if need be."""
    home, _made = Project.objects.get_or_create(
        name=in_project, is_domain=False, defaults={"domain": Project.objects.get(pk="default"), "parent_id": "default"}
    )
    who = User(name=name, domain_id="default", default_project_id=home.pk)
    who.set_unusable_password()
    who.save()
    assignments.grant(role(role_name), on="project", object_id=home.pk, subject_id=who.pk)
    return who


def team(*members: User, name: str = "team") -> Group:
    group = Group.objects.create(name=name, domain_id="default")
    for one in members:
        one.groups.add(group)
    revocation.touch()  # as the service does: what is known of a token of theirs is known anew
    return group


def put_share(kind: str, row: Any, to: Any, level: str, minutes: float | None = None, **more: Any) -> Any:
    """A share as it lies in the table, even one that has ended."""
    subject = "group" if isinstance(to, Group) else "user"
    about = shareable.find(kind)
    until = None if minutes is None else now() + timedelta(minutes=minutes)
    made = TABLES[subject].objects.create(
        **{subject: to}, content_type=shareable.content_type(about), object_pk=str(row.pk), expires_at=until,
        permission=shareable.permission(about, level), given_by=user("demo").pk, **more,
    )  # fmt: skip
    revocation.touch()
    return made


@dataclass
class Caller:
    """A signed-in user of every API."""

    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = {} if body is None else {"data": body, "format": "json"}
        return getattr(_client, method)(path, HTTP_X_AUTH_TOKEN=self.token, HTTP_ACCEPT="application/json", **data)

    def status(self, method: str, path: str, body: Any = None) -> int:
        return int(self.ask(method, path, body).status_code)

    def server_ids(self) -> set[str]:
        plain = {one["id"] for one in self.ask("get", f"{COMPUTE}/servers").json()["servers"]}
        detailed = {one["id"] for one in self.ask("get", f"{COMPUTE}/servers/detail").json()["servers"]}
        assert plain == detailed
        return plain

    def image_ids(self) -> set[str]:
        return {one["id"] for one in self.ask("get", f"{IMAGE}/images").json()["images"]}

    def network_ids(self) -> set[str]:
        return {one["id"] for one in self.ask("get", f"{NETWORK}/networks").json()["networks"]}

    def acts(self, server_id: str, **action: Any) -> int:
        return self.status("post", f"{COMPUTE}/servers/{server_id}/action", action)

    @property
    def identity(self) -> Api:
        return Api(self.token)


COMPUTE, IMAGE, NETWORK = "/api/compute/v2.1", "/api/image/v2", "/api/network/v2.0"


def caller(name: str) -> Caller:
    """Someone's token for their own project, as a password would give it but without the hashing."""
    row = user(name)
    return Caller(tokens.issue(row.pk, Scope("project", row.default_project_id), ("password",))[0])


__all__ = ["COMPUTE", "IMAGE", "NETWORK", "Caller", "Role", "caller", "image", "network", "person", "project", "put_share",
           "server", "team"]  # fmt: skip
