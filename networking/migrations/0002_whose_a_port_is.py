"""Whose a port is becomes columns of their own; until here it was what `device_id` and `device_owner` said.

Only what the cloud itself can have written is taken over: legs of routers of the port's own project, gateways, floating IPs,
DHCP servers. Servers' ports follow in compute's 0003.
"""

from uuid import NAMESPACE_URL, uuid5

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, F, OuterRef, Subquery


def fill(apps, schema_editor):
    Port = apps.get_model("networking", "Port")
    Router = apps.get_model("networking", "Router")
    FloatingIP = apps.get_model("networking", "FloatingIP")
    own = Router.objects.filter(pk=OuterRef("device_id"), project_id=OuterRef("project_id"))
    legs = Port.objects.filter(Exists(own), device_owner="network:router_interface")
    legs.update(role="network:router_interface", router_id=F("device_id"))
    outward = Router.objects.filter(gateway_port=OuterRef("pk"))
    gateways = Port.objects.filter(Exists(outward))
    gateways.update(role="network:router_gateway", router_id=Subquery(outward.values("pk")[:1]))
    Port.objects.filter(Exists(FloatingIP.objects.filter(floating_port=OuterRef("pk")))).update(
        role="network:floatingip"
    )
    for port in Port.objects.filter(device_owner="network:dhcp", project_id=F("network__project_id")):
        if port.device_id == f"dhcp{uuid5(NAMESPACE_URL, port.network_id)}-{port.network_id}":
            Port.objects.filter(pk=port.pk).update(role="network:dhcp")


class Migration(migrations.Migration):
    dependencies = [
        ("networking", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="port",
            name="role",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AddField(
            model_name="port",
            name="router",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="legs", to="networking.router"
            ),
        ),
        migrations.AddField(
            model_name="port",
            name="server_id",
            field=models.CharField(blank=True, db_index=True, default="", max_length=36),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
