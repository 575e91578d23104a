"""Every table that a user can grow has a quota, a ceiling, or says what else bounds it."""

import ast
import re
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from common import ceilings
from common.ceilings import TooManyOfOwner
from common.keeping import KEEPERS
from identity.models import AccessRule, Project, User
from tests.common.test_patterns import _files


def _tables() -> list[type[models.Model]]:
    """All tables but those that cannot grow; rows below others among them, and those that only join two."""
    found = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    return [model for model in found if KEEPERS[model._meta.label].way != "bounded"]


def _counted() -> set[str]:
    """Tables of quotas: by the model whose rows each counter counts."""
    from networking.quotas import COUNTED

    return {model._meta.label for model, _default in COUNTED.values()} | {
        "images.Image", "compute.Server", "compute.ServerGroup", "compute.KeyPair",
    }  # fmt: skip


def test_no_table_of_a_users_grows_without_a_bound() -> None:
    """Ceilings: 100,000 application credentials, trusts or EC2 keys of one user were nobody's affair."""
    said = {model._meta.label for model in (*ceilings.HELD, *ceilings.ELSEWHERE)}
    bare = [model._meta.label for model in _tables() if model._meta.label not in said | _counted()]
    assert not bare, f"say of each in its app's ceilings what bounds it: {bare}"
    assert all(
        most > 0 and owner in {f.attname for f in m._meta.concrete_fields} for m, (owner, most) in ceilings.HELD.items()
    )
    assert all(len(what) > 10 for what in ceilings.ELSEWHERE.values())


def test_what_is_held_is_never_written_in_bulk() -> None:
    """Ceilings: a row that is written in bulk sends no signal, by which the ceiling is held."""
    held = {model.__name__ for model in ceilings.HELD}
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "bulk_create" and set(ast.unparse(node).split(".")) & held
    ]
    assert held and not wrong, wrong


def test_each_place_that_is_named_as_a_bound_is_there() -> None:
    """Ceilings: "images.members.services.MOST_MEMBERS of one image" names something that exists."""
    named = [
        word
        for what in ceilings.ELSEWHERE.values()
        for word in re.findall(r"\b[a-z]+(?:\.[a-z0-9_]+)+\.[A-Za-z_]+\b", what)
    ]
    for word in named:
        module, _dot, name = word.rpartition(".")
        assert hasattr(import_module(module), name), word
    assert len(named) > 5


@pytest.fixture
def owner(db: None) -> User:
    domain = Project.objects.create(pk="default", name="Default", is_domain=True)
    return User.objects.create(name="demo", domain=domain)


def test_a_row_beyond_the_ceiling_is_refused_with_a_sentence(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ceilings.HELD, AccessRule, ("user_id", 3))

    def make(n: int) -> Any:
        return AccessRule.objects.create(user=owner, service="compute", method="GET", path=f"/{n}")

    rows = [make(n) for n in range(3)]
    with pytest.raises(TooManyOfOwner, match="no more than 3"):
        make(4)
    rows[0].path = "/other"
    rows[0].save()  # what is there may change
    rows[0].delete()
    make(5)
