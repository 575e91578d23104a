"""A seeded cloud in one process, whose commits are real: records are written in a transaction's last moment."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audit import records
from audit.models import Event
from tests.openstackapi import conftest as cloud

askers = cloud.askers
world = cloud.world

AUTH = "/api/identity/v3/auth/tokens"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What other tests counted in this minute is forgotten."""
    records._seen._minute = records._often._minute = 0
    yield


@pytest.fixture
def events() -> Callable[..., list[Event]]:
    """`events(action="create")`: the records that fit, oldest first."""

    def find(**where: Any) -> list[Event]:
        return list(Event.objects.filter(**where).order_by("pk"))

    return find


def password(name: str, word: str) -> str:
    """The body of a sign-in."""
    user = {"name": name, "domain": {"id": "default"}, "password": word}
    return json.dumps({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}})
