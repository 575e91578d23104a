from django.db import migrations


class Migration(migrations.Migration):
    """Names of a server's security groups are read from its ports."""

    dependencies = [("compute", "0006_busy_and_gone")]

    operations = [migrations.RemoveField(model_name="server", name="security_groups")]
