from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0011_palette")]

    operations = [
        migrations.AddIndex(
            model_name="server",
            index=models.Index(
                condition=models.Q(("deleted", False)),
                fields=["project_id", "vm_state", "task_state"],
                name="servers_of_by_state",
            ),
        ),
    ]
