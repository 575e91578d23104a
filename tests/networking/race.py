"""Eight threads take all 61 free addresses of a /26 at once, each port in a transaction of its own. Run by a test."""

import threading

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402

from authorization.context import RequestContext  # noqa: E402
from common import live  # noqa: E402
from networking.errors import IpAddressGenerationFailure  # noqa: E402
from networking.networks import services as networks  # noqa: E402
from networking.ports import services as ports  # noqa: E402
from networking.ports.models import FixedIP, Port  # noqa: E402
from networking.subnets import services as subnets  # noqa: E402
from operations import wakeups  # noqa: E402

wakeups.notify = lambda job: None  # no broker here
live._send = lambda: None
call_command("migrate", verbosity=0)
ACTOR = RequestContext.internal("race", project_id="d" * 32)
network = networks.create(ACTOR, name="race")
subnet = subnets.create(ACTOR, network_id=network.id, cidr="10.3.0.0/26", enable_dhcp=False)
errors: list[Exception] = []


def take() -> None:
    try:
        while True:
            ports.create(ACTOR, network_id=network.id)
    except IpAddressGenerationFailure:
        pass
    except Exception as error:
        errors.append(error)
    finally:
        connections.close_all()


threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if errors:
    raise errors[0]
made = Port.objects.filter(network=network).count()
given = FixedIP.objects.filter(subnet=subnet).values("ip_address").distinct().count()
print("database", connection.vendor, "ports", made, "addresses", given)
