"""The Identity dashboard without a browser: its verbs, who may use them, what is said at which field."""

import re
from typing import Any

import pytest
from django.test import Client

from identity.assignments import services as assignments
from identity.limits import services as quota
from identity.models import Group, Project, Role, User
from identity.models import Domain as DomainRow
from tests.portal.conftest import enter

HX = {"HTTP_HX_REQUEST": "true"}


def project(name: str = "demo") -> Project:
    return Project.objects.get(name=name, is_domain=False)


def role(name: str) -> Role:
    return Role.objects.get(name=name, domain=None)


def errors_at(content: bytes) -> list[str]:
    """The fields under which an error stands."""
    found = re.findall(r'data-field="([^"]+)">(?:(?!data-field=).)*?<div class="bad sm" id=', content.decode(), re.S)
    return found


def test_quotas_are_kept_by_service(admin: Client) -> None:
    path = f"/projects/{project().pk}/quota"
    page = admin.get(path, **HX).content.decode()
    values = dict(re.findall(r'<input type="number" name="([^"]+)" value="([^"]+)"', page))
    assert values["compute.instances"] == "10" and "network.router" in values
    values |= {"compute.instances": "17", "network.router": "-1"}
    assert admin.post(path, values, **HX).status_code == 204
    assert quota.limits(project().pk, "compute")["instances"] == 17
    assert quota.limits(project().pk, "network")["router"] == -1
    usage = admin.get(f"/projects/{project().pk}/usage").content.decode()
    assert "of 17" in usage and "no limit" in usage
