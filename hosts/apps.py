from django.apps import AppConfig


class Config(AppConfig):
    name = "hosts"

    def ready(self) -> None:
        from cloud import beat
        from common import seeding
        from hosts import reports, services
        from operations import hostlink

        hostlink.use(key_of=services.key_of)
        hostlink.on_report("hello", reports.hello)
        hostlink.on_report("heartbeat", reports.heartbeat)
        hostlink.on_report("inventory", reports.inventory)
        beat.every(2.0, "hosts", services.sweep)
        seeding.register(20, "hosts", services.seed)
