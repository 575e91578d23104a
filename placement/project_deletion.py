from identity.projects import owned
from placement import models


def register() -> None:
    owned.aside(models.Consumer, "what a server holds of a host: released with the server")
