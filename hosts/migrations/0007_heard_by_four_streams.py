from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hosts", "0006_driver_instances")]

    operations = [
        migrations.AlterField("host", "heard", models.CharField(blank=True, default="", max_length=120)),
    ]
