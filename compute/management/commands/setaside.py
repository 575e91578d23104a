"""Orphans, which hosts have and no row knows: list them, adopt them into the database, drop them, or allow that they are set aside."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from authorization.context import RequestContext
from common.errors import sentence
from common.ids import is_id
from compute.servers.lifecycle import adopting
from hostagent.contract.setaside import SETASIDE_DROP
from hosts import debts, doctor, epoch, reconciliation, services
from hosts.models import Host, HostDebt
from networking.desired import sync
from operations import start
from operations.models import LIVE, Operation, State

PATIENCE = 180.0  # seconds for a host to do it


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="what is set aside, and what an operator is asked").add_argument(
            "host", nargs="?"
        )
        adopt = verbs.add_parser("adopt", help="bring back what only a host knows, or one set-aside thing")
        adopt.add_argument("host")
        adopt.add_argument(
            "id", nargs="?", default="", help="of a set-aside thing; without it, all that no row knows there"
        )
        adopt.add_argument("--project", default="", help="the project's id, where its own is not in this database")
        drop = verbs.add_parser("drop", help="remove a set-aside thing for good, now")
        drop.add_argument("host")
        drop.add_argument("id")
        allow = verbs.add_parser("allow", help="have everything set aside that no row knows there, however much it is")
        allow.add_argument("host")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb == "list":
            self.list(options["host"])
            return
        host = Host.objects.filter(name=options["host"]).first()
        if host is None:
            raise CommandError(f"There is no host {options['host']}.")
        getattr(self, verb)(host, options)

    def list(self, name: str | None) -> None:
        found = [f for f in doctor.orphans_and_leftovers() if name in (None, f.host)]
        for finding in found:
            self.stdout.write(f"{finding.host}  {finding.kind}  {finding.id}  {finding.text}")
        if not found:
            self.stdout.write("Nothing is set aside, and nothing is asked.")

    def adopt(self, host: Host, options: dict[str, Any]) -> None:
        item = options["id"]
        if item and not is_id(item.partition("-")[2]):
            raise CommandError(
                f"{item} is no server but a piece of a network: those are sent anew where they are wanted. It goes by itself when its "
                f"time is over, or by `manage.py setaside drop {host.name} {item}`."
            )
        data = {"item": item, "server_id": item.partition("-")[2], "project": options["project"]}
        with transaction.atomic():
            operation = start(
                adopting.ADOPT,
                subject=("host", host.name),
                project_id=None,
                actor=RequestContext.internal("adopt"),
                data=data,
            )
        self.wait(operation)
        detail = operation.steps.get(name="bring_back").detail
        for server in detail["adopted"]:
            self.stdout.write(f"{server['id']}  {server['name']}  {server['state']}")
            for why in server["missing"]:
                self.stdout.write(f"    {why}")
        for id, whys in detail["left"].items():
            self.stdout.write(f"{id}  left as it is: {' '.join(whys)}")
        if not detail["adopted"] and not detail["left"]:
            self.stdout.write("There was nothing to adopt.")
        in_part = sum(bool(server["missing"]) for server in detail["adopted"])
        if detail["left"] or in_part:
            raise CommandError(
                f"{len(detail['left'])} left as they are, {in_part} back without a part of theirs: the lines above say why."
            )

    def drop(self, host: Host, options: dict[str, Any]) -> None:
        id = options["id"]
        with transaction.atomic():
            debts.owe(host.name, SETASIDE_DROP.name, id, {"id": id}, subject=f"setaside:{id}")
            debts.work_off(host.name)
        rows = HostDebt.objects.filter(host=host.name, kind=SETASIDE_DROP.name, key=id)
        if self.passed(lambda: not rows.exists()):
            self.stdout.write(f"{id} is gone.")
        else:
            self.stdout.write(f"{host.name} does not answer now: {id} goes when it is heard again.")

    def allow(self, host: Host, options: dict[str, object]) -> None:
        with transaction.atomic():
            if host.estranged:
                epoch.accept(host)
            operation = reconciliation.inspect(host.name, reconcile=True, reason="setaside allow", allowed=True)
            services.tell_hello(host)
            sync.allow(host.name)
        self.wait(operation)
        for id in operation.steps.get(name="mend").detail.get("set_aside", ()):
            self.stdout.write(f"{id}  is set aside; `manage.py setaside list {host.name}` shows when it is done.")

    def wait(self, operation: Operation) -> None:
        """Raises: CommandError when it fails or takes too long."""
        live = Operation.objects.filter(pk=operation.pk, state__in=LIVE)
        if not self.passed(lambda: not live.exists()):
            raise CommandError("The cloud does not answer: is it running? The order stands and is done when it is.")
        operation.refresh_from_db()
        if operation.state != State.DONE:
            raise CommandError(f"It failed: {sentence(operation.error_code, operation.error_data)}")

    @staticmethod
    def passed(done: Any) -> bool:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if done():
                return True
            time.sleep(0.2)
        return False
