"""Gives up a host's routers when its agent cannot start, as a silent agent would.

Control hears nothing of such a host and gives its routers to others after 30 s; two hosts must not answer for one router.
Runs in the agent's own process, which then ends and is started again by its supervisor.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hostagent.agent.settings import Settings, SettingsError, default_run, drivers_of
from hostagent.agent.standing import ISOLATED_AFTER, Standing
from hostagent.drivers.loading import driver_class
from hostagent.drivers.network import Place
from hostagent.drivers.registry import Choices

log = logging.getLogger(__name__)

WAIT: Final = ISOLATED_AFTER + 1.0  # seconds after the last heartbeat


def stand_in(settings: Settings) -> None:
    """Give up what each host of these settings should. Returns within half a minute."""
    for own in settings.hosts:
        give_up(settings.drivers, Place(own.data, own.run, settings.underlay_ip))


def stand_in_by_environment(env: Mapping[str, str]) -> None:
    """Stand in for the agent where the settings cannot be read: only the folder and the name of the host are needed."""
    try:
        drivers = drivers_of({name: env.get(name, "") for name in ("STACKLING_DRIVER", "STACKLING_NETWORK")})
    except SettingsError:
        return  # nobody knows what made this host's links
    data = Path(env.get("STACKLING_DATA") or "var").resolve()
    run = Path(env.get("STACKLING_RUN") or default_run(data))
    for name in filter(None, (part.strip() for part in env.get("STACKLING_HOST", "").split(","))):
        if "/" not in name and (data / "hosts" / name).is_dir():
            give_up(drivers, Place(data / "hosts" / name, run / "hosts" / name, ""))


def give_up(drivers: Choices, place: Place) -> None:
    """Wait until the host counts as silent, then remove its gateways, if another host could have them. Never raises."""
    standing = Standing(place.data)
    if drivers.is_fake or not standing.others:
        return
    try:
        for _ in range(int(WAIT)):
            if standing.was_silent:
                break
            time.sleep(1.0)
        if standing.was_silent:
            log.warning("no agent runs here: the routers of this host give up their gateway ports")
            driver_class(drivers.main("network"), "network")(place).remove_gateways()
    except Exception:
        log.exception("the routers of this host could not be given up")
