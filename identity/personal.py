"""A user's possessions beside roles, in rooms above this one: read when a caller is made, cached as long as nothing changes there."""

from typing import Protocol


class Personal(Protocol):
    """`of_user` is read each time a caller is made and goes with it as `extra["shares"]`.

    `facts_of` names what a change has to be of ("user_id:…", "group_id:…") to void what is cached for this user.
    """

    def of_user(self, user_id: str) -> object: ...

    def facts_of(self, user_id: str) -> tuple[str, ...]: ...


class _Nothing:
    def of_user(self, user_id: str) -> object:
        return {}

    def facts_of(self, user_id: str) -> tuple[str, ...]:
        return (f"user_id:{user_id}",)


_source: Personal = _Nothing()


def use(source: Personal) -> None:
    """Have `source` say what users have."""
    global _source
    _source = source


def of_user(user_id: str) -> object:
    return _source.of_user(user_id)


def facts_of(user_id: str) -> tuple[str, ...]:
    return _source.facts_of(user_id)
