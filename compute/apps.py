"""Registration of the compute service with the layers below it."""

from django.apps import AppConfig

#: The newest microversion that is really served. 2.97 would be Manila's shares.
MAXIMUM = "2.96"


class ComputeConfig(AppConfig):
    name = "compute"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cloud import beat
        from common import purging as purges
        from common import seeding
        from common.ceilings import elsewhere, hold
        from compute import rules
        from compute.consoles import services as consoles
        from compute.faults import STATUS
        from compute.flavors import services as flavors
        from compute.models import Aggregate, AggregateHost, ConsoleLink, ConsoleTicket, Flavor, FlavorAccess, Migration
        from compute.servers import (
            adopting,
            cleanup,
            flows,
            flows_change,
            flows_image,
            limits,
            needs,
            owed,
            purging,
            reconcile,
            services,
            sharing,
            steps,
        )
        from hostagent.contract.reports import Event
        from hosts import agents, debts
        from hosts import services as hosts
        from identity import catalog, policy
        from networking.ports import devices
        from openstackapi import faults, microversion
        from operations import background, on_event, parking

        assert flows.BOOT and flows_change.RESIZE and adopting.ADOPT  # importing them registers them
        microversion.register("compute", "2.1", MAXIMUM, "X-OpenStack-Nova-API-Version")
        faults.register(STATUS)
        catalog.register("compute", name="nova", path="/api/compute/v2.1")
        policy.register("compute", rules.RULES, rules.DESCRIPTIONS)
        limits.register()
        for model in (Flavor, FlavorAccess, Aggregate, AggregateHost):
            elsewhere(model, "rows that only operators make")
        elsewhere(Migration, "the states of a server: one at a time, and the purge of what ended")
        elsewhere(
            ConsoleTicket, "as many as one user or link may have open or about to be (compute.consoles.services.MOST)"
        )
        hold(ConsoleLink, "server_id", 20)
        sharing.register()
        owed.register()
        devices.register("server", services.project_of)
        seeding.register(30, "flavors", flavors.seed)
        cleanup.register()
        parking.on_broken("server", steps.broken)
        background.register(flows_image.DROP_IMAGE, flows_image.drop_image)
        on_event(Event.LEASE, reconcile.on_lease)
        on_event(Event.LOGIN, reconcile.on_login)
        on_event(Event.STATE, reconcile.on_state)
        hosts.on_hello(reconcile.on_hello)
        hosts.on_state(reconcile.on_host_state)
        debts.on_paid(reconcile.on_paid)
        agents.allow("read image", needs.reads_image)
        agents.allow("write image", needs.writes_image)
        purges.register("servers", purging.forget_servers)
        purges.register("migrations", purging.forget_migrations)
        beat.every(60.0, "compute.reconcile", reconcile.sweep)
        beat.every(30.0, "compute.consoles", consoles.forget_tickets)
