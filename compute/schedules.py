"""Compute's background work and periodic tasks."""

from common import purging as purges
from compute.consoles import services as consoles
from compute.drafts import services as drafts
from compute.servers.lifecycle import purging, reconcile, snapshots
from operations import background, periodic


def register() -> None:
    background.register(snapshots.DROP_IMAGE, snapshots.drop_image)
    purges.register("servers", purging.forget_servers)
    purges.register("migrations", purging.forget_migrations)
    purges.register("drafts", drafts.forget_orphans)
    periodic.register(60.0, "compute.reconcile", reconcile.recover_stuck)
    periodic.register(30.0, "compute.consoles", consoles.forget_tickets)
