"""Apps of the cloud: what an app registers with the layers below it stands in files of the same names in every app.

Each has a function `register()`, called once at start in the order of FILES; a file that an app does not need is not there.
Before that, each `flows.py` of the app and of its resources is imported.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from django.apps import AppConfig

#: File of an app → what it registers.
FILES = {
    "service": "the API: name, catalog, URLs, versions, how it writes errors",
    "statuses": "errors of the app that are answered otherwise than their kind",
    "policies": "policy rules and what they mean, and what can be shared one by one",
    "tables": "who deletes the rows of each table, and how its changes are recorded",
    "ceilings": "what bounds the tables that users can grow",
    "quotas": "what counts against a project's quota",
    "project_deletion": "what a project owns, and how it goes with the project",
    "seeds": "what a new cloud holds",
    "reconcile": "what is done when hosts report, come or fall silent",
    "troubles": "what is wrong with it that no host reports (manage.py doctor)",
    "schedules": "background work, periodic tasks, what the nightly purge forgets",
}


def _flows(folder: Path, app: str) -> list[str]:
    """Name the modules that hold flows: a flow is registered by being imported.

    They are `flows.py` of an app or of a resource in it, or the modules of a resource's `lifecycle` where its verbs are many.
    """
    found = sorted((*folder.glob("flows.py"), *folder.glob("*/flows.py"), *folder.glob("*/lifecycle/*.py")))
    names = (path.relative_to(folder).with_suffix("").parts for path in found)
    return [".".join([app, *parts]) for parts in names if parts[-1] != "__init__"]


class CloudAppConfig(AppConfig):
    """An app whose registrations are found by their names.

    Import the module, not this class: of two configurations in an `apps.py` Django takes neither.
    """

    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for name in _flows(Path(self.path), self.name):
            import_module(name)
        for name in FILES:
            if find_spec(f"{self.name}.{name}") is not None:
                import_module(f"{self.name}.{name}").register()
