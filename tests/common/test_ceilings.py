"""Every table that a user can grow has a quota, a ceiling, or says what else bounds it."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from common import ceilings
from common.ceilings import TooMany
from identity.models import AccessRule, Project, User

#: Columns by which a row is somebody's.
OWNERS = frozenset({"project_id", "user_id", "trustor_id", "owner"})


def _of_somebody() -> list[type[models.Model]]:
    found = []
    for model in apps.get_models():
        own = {field.attname for field in model._meta.concrete_fields} & OWNERS
        if own and not model._meta.proxy and model._meta.app_label != "account":
            found.append(model)
    return found


def _counted() -> set[str]:
    """Tables of quotas: by the model whose rows each counter counts."""
    from networking.quotas.counting import COUNTED

    return {model._meta.label for model, _default in COUNTED.values()} | {
        "images.Image", "compute.Server", "compute.ServerGroup", "compute.KeyPair",
    }  # fmt: skip


def test_no_table_of_a_users_grows_without_a_bound() -> None:
    """Ceilings: 100,000 application credentials, trusts or EC2 keys of one user were nobody's affair."""
    said = {model._meta.label for model in (*ceilings.HELD, *ceilings.ELSEWHERE)}
    bare = [model._meta.label for model in _of_somebody() if model._meta.label not in said | _counted()]
    assert not bare, f"say of each in its app's ceilings what bounds it: {bare}"
    assert all(
        most > 0 and owner in {f.attname for f in m._meta.concrete_fields} for m, (owner, most) in ceilings.HELD.items()
    )
    assert all(len(what) > 10 for what in ceilings.ELSEWHERE.values())


@pytest.fixture
def owner(db: None) -> User:
    domain = Project.objects.create(pk="default", name="Default", is_domain=True)
    return User.objects.create(name="demo", domain=domain)


def test_a_row_beyond_the_ceiling_is_refused_with_a_sentence(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ceilings.HELD, AccessRule, ("user_id", 3))

    def make(n: int) -> Any:
        return AccessRule.objects.create(user=owner, service="compute", method="GET", path=f"/{n}")

    rows = [make(n) for n in range(3)]
    with pytest.raises(TooMany, match="no more than 3"):
        make(4)
    rows[0].path = "/other"
    rows[0].save()  # what is there may change
    rows[0].delete()
    make(5)
