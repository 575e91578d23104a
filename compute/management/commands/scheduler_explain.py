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
        spec = self._spec(options["what"])
        if options["zone"]:
            spec.zone = options["zone"]
        decision = scheduling.decide(spec, scheduling.candidates_for(spec))
        chosen = decision.chosen.name if decision.chosen else None
        if options["json"]:
            self.stdout.write(
                json.dumps({"host": chosen, "resources": dict(spec.resources), "hosts": decision.table}, indent=2)
            )
            return
        for row in decision.table:
            self.stdout.write(explain(row))
        self.stdout.write(f"It would go to {chosen}." if chosen else "No host can take it.")

    @staticmethod
    def _spec(what: str) -> scheduling.RequestSpec:
        server = Server.objects.filter(id=what).first()
        if server is not None:
            return scheduling.spec_of(server)
        flavor = Flavor.objects.filter(Q(id=what) | Q(name=what)).first()
        if flavor is None:
            raise CommandError(f"There is no flavor or server {what}.")
        needs = {name: amount for name, amount in host_needs.resources_of(flavor.embedded()).items() if amount}
        return scheduling.RequestSpec(resources=needs, project_id="", extra_specs=flavor.extra_specs)
