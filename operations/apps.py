from django.apps import AppConfig


class Config(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from cloud import beat
        from operations import sweep

        beat.every(1.0, "operations", sweep.sweep)
        beat.every(3600.0, "operations.prune", sweep.prune)
