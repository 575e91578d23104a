"""Verb → what does it. Each decodes the body, acts once through a driver, and returns the answer of contract.VERBS."""

from collections.abc import Callable
from typing import Any, Final

from hostagent.host import Host
from hostagent.job import Job
from hostagent.tasks import disks, host, network, servers, setaside

VERBS: Final[dict[str, Callable[[Host, Job], dict[str, Any]]]] = {
    "disk.ensure": disks.ensure,
    "disk.remove": disks.remove,
    "disk.resize": disks.resize,
    "server.ensure": servers.ensure,
    "server.remove": servers.remove,
    "server.start": servers.start,
    "server.stop": servers.stop,
    "server.reboot": servers.reboot,
    "server.pause": servers.pause,
    "server.unpause": servers.unpause,
    "server.suspend": servers.suspend,
    "server.resume": servers.resume,
    "server.attach_port": servers.attach_port,
    "server.detach_port": servers.detach_port,
    "server.attach_disk": servers.attach_disk,
    "server.detach_disk": servers.detach_disk,
    "server.snapshot": disks.snapshot,
    "server.read": servers.read,
    "host.read": host.read,
    "network.apply": network.apply,
    "setaside.put": setaside.put,
    "setaside.list": setaside.listing,
    "setaside.back": setaside.back,
    "setaside.drop": setaside.drop,
    "server.describe": setaside.describe,
    "host.recognise": setaside.recognise,
}
