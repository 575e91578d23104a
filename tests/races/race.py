"""Eight threads at once claim hosts, spend a quota and take a hold, each time in a transaction of their own. Run by a test."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connection, connections, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from authorization.context import RequestContext  # noqa: E402
from common import live  # noqa: E402
from common.database import tried_again  # noqa: E402
from common.errors import OverLimit  # noqa: E402
from identity.models import Project, ProjectTag  # noqa: E402
from images.gallery import services as gallery  # noqa: E402
from images.models import Image  # noqa: E402
from operations import engine, wakeups  # noqa: E402
from operations.flows import Flow, Step  # noqa: E402
from operations.models import Hold, Operation  # noqa: E402
from placement import services as placement  # noqa: E402
from placement import usage  # noqa: E402
from placement.models import Allocation, Inventory, ResourceProvider  # noqa: E402
from quota import services as quota  # noqa: E402

THREADS, TRIES = 8, 6
wakeups.notify = lambda job: None  # no broker here
live._send = lambda: None
call_command("migrate", verbosity=0)
project = Project.objects.create(name="race")
ACTOR = RequestContext.internal("race", project_id=project.pk)
for host in ("a", "b"):
    Inventory.objects.create(
        provider=ResourceProvider.objects.create(name=host), resource_class="MEMORY_MB", total=1000
    )
quota.register("tests", "things", default=17, count=lambda id: ProjectTag.objects.filter(project_id=id).count())
FLOW = Flow("race", 1, (Step("wait", lambda op: None),))


def claim(number: int) -> None:
    placement.claim(f"s{number}", project.pk, {"MEMORY_MB": 150}, ["a", "b"] if number % 2 else ["b", "a"])


def spend(number: int) -> None:
    with transaction.atomic():
        quota.require(project.pk, "tests", {"things": 1})
        ProjectTag.objects.create(project=project, name=str(number))


def hold(number: int) -> None:
    with transaction.atomic():
        engine.start(FLOW, subject=("thing", "t"), project_id=project.pk, actor=ACTOR, holds=["thing:t"])


@tried_again
def gather(number: int) -> None:
    gallery.add(ACTOR, key="debian-13")


class Nobody(Exception):
    """What no racer raises."""


@tried_again
def cross(number: int) -> None:
    """Two rows in either order: what PostgreSQL ends to break the deadlock is done again."""
    order = ("a", "b") if number // TRIES % 2 else ("b", "a")
    if number >= 2 * TRIES:
        return  # two are enough: each deadlock costs PostgreSQL a second to see
    with transaction.atomic():
        for host in order:
            Inventory.objects.filter(provider__name=host).update(total=F("total") + 1)
            time.sleep(0.005)


def race(what: Callable[[int], None], refusal: type[Exception]) -> int:
    """How often `what` went through; an exception other than `refusal` is the end of the test."""
    errors: list[Exception] = []
    done: list[int] = []

    def run(thread: int) -> None:
        for turn in range(TRIES):
            try:
                what(thread * TRIES + turn)
                done.append(1)
            except refusal:
                pass
            except Exception as error:
                errors.append(error)
        connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return len(done)


@tried_again
def churn(number: int) -> None:
    """The same few consumers claimed and released by all threads at once."""
    consumer = f"churn-{number % 3}"
    with suppress(
        IntegrityError
    ):  # another thread claimed for it between the look and the write: nothing of ours stays
        placement.claim(consumer, "p", {"MEMORY_MB": 1}, ["a", "b"])
    placement.release(consumer)


claimed = race(claim, placement.NothingFits)
full = [sum(row.used for row in Allocation.objects.filter(provider__name=host)) for host in ("a", "b")]
churned = race(churn, placement.NothingFits)
spent = race(spend, OverLimit)
held = race(hold, engine.Locked)
crossed = race(cross, Nobody)
added = race(gather, gallery.AlreadyAdding)
totals = [Inventory.objects.get(provider__name=host).total - 1000 for host in ("a", "b")]
print("database", connection.vendor, "claims", claimed, "used", *full)
print("things", spent, ProjectTag.objects.count(), "holds", held, Hold.objects.count(), Operation.objects.count())
print("churned", churned, "drift", len(usage.drift()))
print("crossed", crossed, *totals)
print("added", added, Image.objects.count())
