from django.apps import AppConfig


class Config(AppConfig):
    name = "images"

    def ready(self) -> None:
        from cloud import beat
        from common import seeding
        from identity import catalog, policy
        from images import policies, projects, quotas, seeds
        from images.images import data, sharing
        from images.tasks import imports
        from operations import background

        policy.register("image", policies.RULES, policies.DESCRIPTIONS)
        quotas.register()
        sharing.register()
        catalog.register("image", name="glance", path="/api/image", description="Images")
        projects.register()
        background.register(imports.KIND, imports.run, pool="bulk")
        beat.every(30, "images.recover", data.recover)
        beat.every(60, "images.prune", imports.prune)
        seeding.register(50, "images", seeds.run)
