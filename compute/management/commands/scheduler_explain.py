"""Says for each host whether a flavor would fit there now, and which filter refuses it with which numbers."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from compute.flavors.models import Flavor
from compute.management.commands.why import explain
from compute.servers.create import scheduling
from compute.servers.lifecycle import host_needs
from compute.servers.models import Server


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what", help="a flavor (id or name), or a server's id, whose hints and group then count too"
        )
        parser.add_argument("--zone", default=None)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        ask = self._ask(options["what"])
        if options["zone"]:
            ask.zone = options["zone"]
        decision = scheduling.decide(ask, scheduling.candidates_for(ask))
        chosen = decision.host.name if decision.host else None
        if options["json"]:
            self.stdout.write(
                json.dumps({"host": chosen, "resources": dict(ask.resources), "hosts": decision.table}, indent=2)
            )
            return
        for row in decision.table:
            self.stdout.write(explain(row))
        self.stdout.write(f"It would go to {chosen}." if chosen else "No host can take it.")

    @staticmethod
    def _ask(what: str) -> scheduling.Ask:
        server = Server.objects.filter(id=what).first()
        if server is not None:
            return scheduling.ask_of(server)
        flavor = Flavor.objects.filter(Q(id=what) | Q(name=what)).first()
        if flavor is None:
            raise CommandError(f"There is no flavor or server {what}.")
        needs = {name: amount for name, amount in host_needs.resources_of(flavor.embedded()).items() if amount}
        return scheduling.Ask(resources=needs, project_id="", extra_specs=flavor.extra_specs)
