"""Networks can be shared one by one (sharing): `operate` is to have ports on one."""

from django.utils.translation import gettext as _

from authorization.context import RequestContext
from authorization.share_levels import FULL, OPERATE, VIEW
from identity.assignments.granting import named_for
from networking.networks.models import SHARE, Network, NetworkGrant
from networking.networks.services import find
from sharing import shareable


def register() -> None:
    shareable.register(
        shareable.Shareable(
            name="network",
            model=Network,
            find=find,
            share="network:network:share",
            see="network:network:who",
            levels=(VIEW, OPERATE, FULL),
            everyone=everyone,
        )
    )


def everyone(actor: RequestContext, network: Network) -> list[str]:
    """Name those who see a network besides its project."""
    found = []
    targets = set(NetworkGrant.objects.filter(network=network, action=SHARE).values_list("target_project", flat=True))
    if network.shared or "*" in targets:
        found.append(_("Everybody: the network is shared with all projects."))
    if network.external:
        found.append(_("Everybody: the network is external."))
    found += [
        _("Everybody in the project %(name)s, by an RBAC policy.") % {"name": name}
        for name in sorted(named_for(actor, targets - {"*"}).values())
    ]
    return found
