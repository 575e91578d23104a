"""What a reader of the activity asks for: a person, a thing, a project, days, a request, only what failed."""

from dataclasses import dataclass, fields
from functools import cached_property

from django.db.models import Q, QuerySet
from django.http import QueryDict

from audit import reading
from audit.models import Event
from authorization.context import RequestContext
from common.ids import is_id
from identity import audits
from identity.models import Project, User
from operations.states import has_failed
from portal.ui import moments

#: Names of people and projects that one filter may mean: names are unique in a domain only.
MEANT = 100


@dataclass(frozen=True)
class Asked:
    """The filter's fields by their names in the address; "" where one says nothing."""

    person: str = ""
    object: str = ""
    type: str = ""
    project: str = ""
    since: str = ""
    until: str = ""
    request: str = ""
    state: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Asked":
        return cls(**{one.name: query.get(one.name, "").strip()[:255] for one in fields(cls)})

    @property
    def is_narrow(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    @property
    def only_failed(self) -> bool:
        return has_failed(self.state)

    @cached_property
    def people(self) -> list[str]:
        """List the ids that the person may have: the text itself, and those of users with that name."""
        return [self.person, *User.objects.filter(name=self.person).values_list("pk", flat=True)[:MEANT]]

    @cached_property
    def projects(self) -> list[str]:
        return [self.project, *Project.objects.filter(name=self.project).values_list("pk", flat=True)[:MEANT]]

    def records(self, actor: RequestContext) -> "tuple[QuerySet[Event], Q]":
        """Return (records that the narrowest index finds, which of those are asked for), as reading.page takes them.

        Raises: Forbidden.
        """
        reach, mine = audits.activity(actor)
        wanted = (reading.FAILED if self.only_failed else reading.ONCE) & mine
        led = self._led(reach)
        for edge, by in ((moments.edge(self.since), "pk__gte"), (moments.edge(self.until, end=True), "pk__lt")):
            led = led.filter(**{by: edge}) if edge else led
        if self.object:
            wanted &= Q(target_id=self.object) | Q(target_name=self.object)
        if self.type:
            wanted &= Q(target_type=self.type)
        if self.person:
            wanted &= Q(initiator_id__in=self.people) | Q(initiator_name=self.person)
        if self.project:
            wanted &= Q(project_id__in=self.projects)
        return led, wanted

    def _led(self, reach: audits.Reach) -> "QuerySet[Event]":
        if self.request:
            return reach.of(Event.objects.filter(request_id=self.request))
        if is_id(self.object):
            return reach.of(Event.objects.filter(target_id=self.object))
        if not reach.column and len(self.people) == 2 and self.person:
            return Event.objects.filter(initiator_id=self.people[1])
        if not reach.column and len(self.projects) == 2 and self.project:
            return Event.objects.filter(project_id=self.projects[1])
        return reach.all()
