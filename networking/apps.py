from django.apps import AppConfig


class Config(AppConfig):
    name = "networking"

    def ready(self) -> None:
        from cloud import beat
        from common import fetch, seeding
        from common.ceilings import elsewhere, hold
        from hostagent.contract.reports import Kind
        from hosts import services as hosts
        from identity import catalog, policy
        from networking import placement, projects, rebalancing
        from networking.models import AddressScope, Change, FixedIP, HostPiece, PortGroup, Tag
        from networking.networks import sharing
        from networking.policies import DESCRIPTIONS, RULES
        from networking.ports import devices
        from networking.quotas import counting
        from networking.routers import services as routers
        from networking.seed import seed
        from networking.subnets.models import external_ranges
        from networking.wanted import reports, sync
        from networking.wanted.changes import TASK
        from operations import background, hostlink

        policy.register("networking", RULES, DESCRIPTIONS)
        counting.register()
        hold(AddressScope, "project_id", 100)
        hold(FixedIP, "port_id", 64)  # an IPv6 subnet has no end of addresses
        elsewhere(Tag, "networking.tags.api.MOST of one resource")
        elsewhere(PortGroup, "the quota of security groups: each of them once a port")
        for model in (Change, HostPiece):
            elsewhere(model, "the quotas of ports, networks, groups and routers: a row a piece and host")
        fetch.own_ranges(external_ranges)
        sharing.register()
        devices.register("router", routers.project_of)
        catalog.register("network", name="neutron", path="/api/network", description="Networks")
        projects.register()
        seeding.register(40, "networking", seed)
        background.register(TASK, sync.run, pool=sync.pool_of)
        hostlink.on_report(Kind.NETWORK, reports.on_network)
        hosts.on_state(placement.on_host_state)
        hosts.on_hello(placement.on_hello)
        hosts.on_inventory(lambda host: placement.touch_neighbours(host.name))
        beat.every(1.0, "networking", sync.sweep, urgent=True)
        beat.every(rebalancing.seconds_between() or 3600, "networking.rebalance", rebalancing.tick)
        beat.every(5.0, "networking.ready", reports.wake_waiting)
