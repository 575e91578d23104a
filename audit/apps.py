from django.apps import AppConfig


class Config(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import changes, purging
        from audit.models import Event
        from common import purging as purges
        from common import watched
        from common.ceilings import elsewhere

        watched.use(changes.Watcher())
        purges.register("audit", purging.forget)
        elsewhere(Event, "what a user may ask a second, and STACKLING_AUDIT_DAYS; refusals are counted by the minute")
