from common import registration


class Config(registration.CloudAppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import changes
        from common import watched

        watched.use(changes.Watcher())
        super().ready()
