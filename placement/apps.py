"""Registration of the placement service with the layers below it."""

from django.apps import AppConfig

MAXIMUM = "1.28"  # 1.29 and later are about candidates of several providers of a tree


class PlacementConfig(AppConfig):
    name = "placement"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from common.ceilings import elsewhere
        from hosts import services as hosts
        from identity import catalog, policy
        from identity.projects import owned
        from openstackapi import microversion
        from placement import models, seeding

        microversion.register("placement", "1.0", MAXIMUM)
        catalog.register("placement", name="placement", path="/api/placement")
        policy.register(
            "placement",
            {
                "placement:read": "rule:admin or rule:service",
                "placement:write": "rule:admin or rule:service",
            },
            {
                "placement:read": _("See resource providers, inventories, usages and allocations"),
                "placement:write": _("Change resource providers, inventories, traits and allocations"),
            },
        )
        elsewhere(models.Consumer, "the quota of servers: one row a server")
        elsewhere(models.Allocation, "the quota of servers: one row a server and resource class")
        for model in (models.Inventory, models.Usage, models.ResourceClass, models.Trait):
            elsewhere(model, "rows that only hosts and operators make")
        for model in (models.ProviderTrait, models.ProviderAggregate):
            elsewhere(model, "rows that only hosts and operators make")
        owned.aside(models.Consumer, "what a server holds of a host: released with the server")
        hosts.on_inventory(seeding.on_inventory)
