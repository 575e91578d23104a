"""Settings of agents by operators. The agents themselves are read from hosts, see api.py."""

from uuid import UUID, uuid5

from django.db import models

from common.clock import now
from hosts.models import Host

BRIDGE, DHCP, L3 = "Linux bridge agent", "DHCP agent", "L3 agent"
#: Kind → binary. Neutron has one agent a host and kind; here one host agent does all three.
KINDS = {BRIDGE: "neutron-linuxbridge-agent", DHCP: "neutron-dhcp-agent", L3: "neutron-l3-agent"}


def agent_id(host: Host, kind: str) -> str:
    """Made from the host's own id, so that it stays the same."""
    return str(uuid5(UUID(host.id), kind))


class AgentNote(models.Model):
    """No row: nothing was said. `forgotten_at`: it was deleted, and is there again once its host reports."""

    agent_id = models.CharField(primary_key=True, max_length=36)
    host = models.CharField(max_length=255)
    kind = models.CharField(max_length=24)
    description = models.CharField(max_length=255, default="", blank=True)
    admin_state_up = models.BooleanField(default=True)
    forgotten_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.kind} of {self.host}"

    def forget(self) -> None:
        self.description, self.admin_state_up, self.forgotten_at = "", True, now()
        self.save()


def disabled(kind: str) -> set[str]:
    """Names of the hosts whose agent of this kind carries nothing new."""
    return set(AgentNote.objects.filter(kind=kind, admin_state_up=False).values_list("host", flat=True))
