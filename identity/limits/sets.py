"""A service's quota sets: limits of one project, checked and changed together. The names of its API's refusals are data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction

from common.errors import CloudError
from identity.projects.models import Project
from quota import services as quota


@dataclass(frozen=True, kw_only=True)
class QuotaSets:
    """The quota sets of one service.

    `largest` is the largest limit; -1 is no limit. `no_project`, `bad_limit` and `below_use` make the errors of an unknown
    project's id, of a name and a value that is no limit, and of names with (limit, used) where more is used than allowed.
    """

    service: str
    largest: int
    no_project: Callable[[str], CloudError]
    bad_limit: Callable[[str, object], CloudError]
    below_use: Callable[[Mapping[str, tuple[int, int]]], CloudError]

    def limit(self, name: str, value: object) -> int:
        """Read a limit, a number or its digits. Raises: `bad_limit`."""
        try:
            number = int(str(value))
        except ValueError:
            raise self.bad_limit(name, value) from None
        if not -1 <= number <= self.largest:
            raise self.bad_limit(name, value)
        return number

    @transaction.atomic
    def change(self, project_id: str, asked: Mapping[str, object], *, force: bool) -> None:
        """Set limits of a project, all or none; `force` also below what is used. Raises: `no_project`, `bad_limit`, `below_use`."""
        if not Project.objects.filter(pk=project_id).exists():
            raise self.no_project(project_id)
        limits = {name: self.limit(name, value) for name, value in asked.items()}
        used = {} if force else quota.usage(project_id, self.service)
        below = {name: (limit, used[name][0]) for name, limit in limits.items() if name in used}
        below = {name: pair for name, pair in below.items() if 0 <= pair[0] < pair[1]}
        if below:
            raise self.below_use(below)
        for name, limit in limits.items():
            quota.set(project_id, self.service, name, limit)
