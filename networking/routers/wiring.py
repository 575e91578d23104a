"""Where a router lives and what its legs are."""

from networking.placement import choose_host
from networking.ports import states
from networking.ports.models import Port
from networking.routers.models import Router


def assign(router: Router) -> None:
    """Choose a host for a router, if any is alive; its legs go along."""
    host = choose_host("router", exclude=router.host)
    if host is None or host == router.host:
        return
    router.host, router.placed = host, False
    Router.objects.filter(pk=router.id).update(host=host, placed=False)
    Port.objects.filter(router=router).update(host=host, status=states.DOWN)
