"""Quotas and unified limits count the same."""

import pytest
from django.db import transaction

from common.errors import OverLimit
from identity.models import Service
from quota import services as quota
from tests.identity.conftest import Api, project

USED = {"n": 0}


@pytest.fixture(autouse=True)
def counted() -> None:
    USED["n"] = 0
    quota.register("tests", "things", default=5, count=lambda project_id: USED["n"])
    quota.register("tests", "parts", default=-1, count=lambda project_id: 1000)


@pytest.mark.django_db
def test_what_fits_passes_and_what_does_not_says_why() -> None:
    with transaction.atomic():
        quota.require("red", "tests", {"things": 5, "parts": 10})
    USED["n"] = 4
    with pytest.raises(OverLimit) as error, transaction.atomic():
        quota.require("red", "tests", {"things": 2})
    assert error.value.data == {"resource": "things", "used": 4, "limit": 5, "asked": 2, "service": "tests"}


@pytest.mark.django_db(transaction=True)
def test_counting_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        quota.require("red", "tests", {"things": 1})


def test_a_project_s_own_limit_goes_before_the_default(seeded: None) -> None:
    one = project("demo").pk
    quota.set(one, "tests", "things", 7)
    quota.set_default("tests", "things", 3)
    assert quota.limits(one, "tests")["things"] == 7
    assert quota.usage(project("admin").pk, "tests") == {"things": (0, 3), "parts": (1000, -1)}
    quota.reset(one, "tests")
    assert quota.limits(one, "tests")["things"] == 3


def test_a_limit_made_through_the_api_is_the_quota(admin: Api, demo: Api) -> None:
    service = Service.objects.create(type="tests", name="tests").pk
    body = {"service_id": service, "resource_name": "things", "default_limit": 9}
    made = admin.post("/registered_limits", {"registered_limits": [body]})["registered_limits"][0]
    assert quota.defaults("tests")["things"] == 9
    one = project("demo").pk
    limit = {"service_id": service, "resource_name": "things", "resource_limit": 2, "project_id": one}
    shown = admin.post("/limits", {"limits": [limit]})["limits"][0]
    assert quota.limits(one, "tests")["things"] == 2
    assert [row["id"] for row in demo.get("/limits")["limits"]] == [shown["id"]]
    demo.patch(f"/limits/{shown['id']}", {"limit": {"resource_limit": 99}}, 403)
    admin.delete(f"/registered_limits/{made['id']}", 403)
    admin.delete(f"/limits/{shown['id']}")
    admin.delete(f"/registered_limits/{made['id']}")
