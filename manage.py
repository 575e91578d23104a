#!/usr/bin/env python3
"""Django's command line for the cloud."""

import os
import sys
from contextlib import suppress

from cloud.run.settings import CLONE, read_env_file


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
    with suppress(PermissionError):  # it may hold secrets, and be root's alone
        for name, value in read_env_file(CLONE / ".env").items():
            os.environ.setdefault(name, value)
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from audit import context

    try:
        with context.of_command(sys.argv):
            execute_from_command_line(sys.argv)
    except BrokenPipeError:  # who read what is written has enough (| head); what is still to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        where = (
            os.environ.get("DATABASE_URL", "").split("@")[-1].split("?")[0]
            or os.environ.get("STACKLING_DATA")
            or "./var"
        )
        sys.exit(
            f"The database of the cloud in {where} cannot be used: {error}. STACKLING_DATA says which cloud; `make run` makes one."
        )


if __name__ == "__main__":
    main()
