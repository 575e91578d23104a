from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hosts", "0005_no_zone")]

    operations = [
        migrations.AddField(model_name="host", name="driver_instances", field=models.JSONField(default=list)),
    ]
