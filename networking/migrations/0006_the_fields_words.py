"""Two names in the field's words. The columns stay: nothing of the database changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("networking", "0005_what_operators_placed")]

    operations = [
        migrations.AlterField(
            model_name="network", name="zone", field=models.IntegerField(db_column="zone", unique=True)
        ),
        migrations.RenameField(model_name="network", old_name="zone", new_name="conntrack_zone"),
        migrations.AlterField(
            model_name="port",
            name="router",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="ports", to="networking.router"
            ),
        ),
    ]
