from django.apps import AppConfig


class Config(AppConfig):
    name = "images"

    def ready(self) -> None:
        from cloud import beat
        from common import seeding
        from common.ceilings import elsewhere
        from identity import catalog, policy
        from images import policies, projects, quotas, seeds
        from images.faults import STATUS
        from images.images import data, sharing
        from images.images.models import ImageTag
        from images.members.models import ImageMember
        from images.metadefs.models import Definition, Namespace
        from images.tasks import imports
        from images.tasks.models import Task
        from openstackapi import faults
        from operations import background

        faults.register(STATUS)
        policy.register("image", policies.RULES, policies.DESCRIPTIONS)
        quotas.register()
        for model in (Namespace, Definition):
            elsewhere(model, "rows that only operators make")
        elsewhere(ImageMember, "images.members.services.MOST_MEMBERS of one image")
        elsewhere(ImageTag, "images.images.services.MOST_TAGS of one image")
        elsewhere(Task, "image_count_uploading at once, and images.tasks.imports.prune after two days")
        sharing.register()
        catalog.register("image", name="glance", path="/api/image", description="Images")
        projects.register()
        background.register(imports.KIND, imports.run, pool="bulk")
        background.register(data.GONE, data.forget)
        beat.every(30, "images.recover", data.recover)
        beat.every(60, "images.prune", imports.prune)
        seeding.register(50, "images", seeds.run)
