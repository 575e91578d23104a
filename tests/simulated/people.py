"""The users of a simulated cloud: one a project, in one of three roles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from authorization.context import RequestContext
from common.errors import Unauthorized
from openstackapi import auth

LADDER = {"reader": ["reader"], "member": ["reader", "member"], "admin": ["reader", "member", "manager", "admin"]}


def actor(project: str = "red", role: str = "member") -> RequestContext:
    return RequestContext(
        user_id=f"user-{project}",
        user_name=project,
        project_id=project,
        project_name=project,
        roles=frozenset(LADDER[role]),
        request_id="req-00000000-0000-0000-0000-000000000000",
    )


@contextmanager
def tokens() -> Iterator[Callable[..., str]]:
    """`token("red", "reader")` is a token of project red with that role, while the context lasts."""
    was = (auth._from_token, auth._from_session)
    known: dict[str, RequestContext] = {}

    def from_token(text: str, request_id: str) -> RequestContext:
        if text not in known:
            raise Unauthorized()
        return known[text].with_request(request_id)

    def make(project: str = "red", role: str = "member") -> str:
        known[f"{project}-{role}"] = actor(project, role)
        return f"{project}-{role}"

    auth.use(token=from_token, session=lambda request: None)
    try:
        yield make
    finally:
        auth._from_token, auth._from_session = was
