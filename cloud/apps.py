from django.apps import AppConfig


class Config(AppConfig):
    name = "cloud"

    def ready(self) -> None:
        from audit import registry
        from cloud.audited import AUDITED, domain_of

        registry.declare(AUDITED, domain_of=domain_of)
