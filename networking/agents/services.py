"""Changes of agents by operators."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound
from hosts.models import Host
from networking import rebalancing
from networking.agents.models import DHCP, KINDS, L3, AgentNote, agent_id

#: Neutron's default for an agent's zone, which is apart from compute's zones (these are aggregates): every agent is in it.
ZONE = "nova"

#: Kind of agent → the kind of rows that it gives away when it is disabled, in rebalancing's words.
_CARRIES = {DHCP: "network", L3: "router"}


class AgentNotFound(NotFound):
    template = _("Agent %(id)s could not be found.")


@dataclass(frozen=True)
class Agent:
    host: Host
    kind: str
    note: AgentNote

    @property
    def id(self) -> str:
        return self.note.agent_id


def every() -> list[Agent]:
    """List the agents of all network hosts, in the order of names; not those that were deleted and are silent since."""
    notes = {note.agent_id: note for note in AgentNote.objects.all()}
    found = []
    for host in Host.objects.order_by("name"):
        for kind in KINDS if "network" in host.roles else ():
            id = agent_id(host, kind)
            note = notes.get(id) or AgentNote(agent_id=id, host=host.name, kind=kind)
            if note.forgotten_at is None or (host.last_seen_at and host.last_seen_at > note.forgotten_at):
                found.append(Agent(host, kind, note))
    return found


def has_zone(agent: Agent) -> bool:
    """Tell whether an agent carries what zones are for; the one that only joins ports has none."""
    return agent.kind in _CARRIES


def find(id: str, *, kind: str = "") -> Agent:
    """Raises: AgentNotFound, also for an agent of another kind."""
    for agent in every():
        if agent.id == id and kind in ("", agent.kind):
            return agent
    raise AgentNotFound(id=id)


def update(
    actor: RequestContext, id: str, *, description: str | None = None, admin_state_up: bool | None = None
) -> Agent:
    """Describe an agent, or let it carry nothing new: then others take over what it carries, where there are any.

    Raises: AgentNotFound, Forbidden.
    """
    policy.require(actor, "update_agent")
    agent = find(id)
    with transaction.atomic():
        note, _made = AgentNote.objects.select_for_update().get_or_create(
            agent_id=id, defaults={"host": agent.host.name, "kind": agent.kind}
        )
        note.forgotten_at = None
        note.description = note.description if description is None else description
        note.admin_state_up = note.admin_state_up if admin_state_up is None else admin_state_up
        note.save()
    if not note.admin_state_up and agent.kind in _CARRIES:
        for _move in rebalancing.leave(agent.host.name, _CARRIES[agent.kind]):
            pass
    return Agent(agent.host, agent.kind, note)


@transaction.atomic
def delete(actor: RequestContext, id: str) -> None:
    """Forget an agent, and what was said of it. One that lives is there again with its next heartbeat, as in Neutron.

    Raises: AgentNotFound, Forbidden.
    """
    policy.require(actor, "delete_agent")
    find(id).note.forget()


def shown_state(agent: Agent) -> dict[str, object]:
    return {
        "admin_state_up": agent.host.enabled and agent.note.admin_state_up,
        "description": agent.note.description or None,
    }
