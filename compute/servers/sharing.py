"""Instances can be shared one by one (sharing)."""

from authorization.context import RequestContext
from compute.consoles import services as consoles
from compute.servers.lifecycle.services import find
from compute.servers.models import Server
from sharing import services, shareable


def register() -> None:
    shareable.register(
        shareable.Shareable(
            name="server",
            model=Server,
            find=_find,
            share="compute:server:share",
            see="compute:server:who",
            also=("log",),
        )
    )
    services.on_cut(_cut_consoles)


def _find(actor: RequestContext, server_id: str) -> object:
    return find(actor, server_id)


def _cut_consoles(key: str) -> None:
    """End the consoles opened by a share, within 2 s, and its tickets."""
    consoles.end_by_share(key)
