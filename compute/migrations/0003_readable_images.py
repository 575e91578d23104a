"""Ports become their servers' by a column, and servers know which images they may read: where the projects agree."""

from django.db import migrations, models
from django.db.models import Exists, F, OuterRef, Q


def plug(apps, schema_editor):
    Port = apps.get_model("networking", "Port")
    Server = apps.get_model("compute", "Server")
    own = Server.objects.filter(pk=OuterRef("device_id"), project_id=OuterRef("project_id"), deleted=False)
    Port.objects.filter(Exists(own), role="").update(server_id=F("device_id"))


def readable(apps, schema_editor):
    Image = apps.get_model("images", "Image")
    Server = apps.get_model("compute", "Server")
    for server in Server.objects.filter(deleted=False).exclude(image_id=None).iterator():
        properties = (server.image_meta or {}).get("properties") or {}
        named = [properties[key] for key in ("kernel_id", "ramdisk_id") if properties.get(key)]
        offered = Q(visibility="shared", members__member_id=server.project_id)
        seen = Q(project_id=server.project_id) | Q(visibility__in=("public", "community")) | offered
        allowed = Image.objects.filter(seen, pk__in=named).values_list("pk", flat=True) if named else ()
        ids = list(dict.fromkeys([server.image_id, *allowed]))
        Server.objects.filter(pk=server.pk).update(readable_images=ids)


class Migration(migrations.Migration):
    dependencies = [
        ("compute", "0002_server_password"),
        ("images", "0001_initial"),
        ("networking", "0002_whose_a_port_is"),
    ]

    operations = [
        migrations.AddField(
            model_name="server",
            name="readable_images",
            field=models.JSONField(default=list),
        ),
        migrations.RunPython(plug, migrations.RunPython.noop),
        migrations.RunPython(readable, migrations.RunPython.noop),
    ]
