from django.apps import AppConfig


class Config(AppConfig):
    name = "cloud"

    def ready(self) -> None:
        from audit import registry
        from cloud.audited import AUDITED, domains_of

        registry.declare(AUDITED, domains_of=domains_of)
