from common import live, registration, watched
from outbox import cause


class Config(registration.CloudAppConfig):
    name = "outbox"

    def ready(self) -> None:
        from outbox import writing

        live.use(cause.of_now)
        watched.before_commit(writing.write)
        super().ready()
