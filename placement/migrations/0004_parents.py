import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("placement", "0003_resource_classes"),
    ]

    operations = [
        migrations.AddField(
            model_name="resourceprovider",
            name="parent",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="placement.resourceprovider",
            ),
        ),
    ]
