"""Two models get the field's names; their tables, and what lies in them, stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0008_traceparent")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable(name="kick", table="operations_kick"),
                migrations.RenameModel(old_name="Kick", new_name="BackgroundJob"),
                migrations.AlterModelTable(name="waiter", table="operations_waiter"),
                migrations.RenameModel(old_name="Waiter", new_name="Subscription"),
                migrations.AlterField(
                    model_name="subscription",
                    name="operation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="operations.operation",
                    ),
                ),
                migrations.AlterField(
                    model_name="operation",
                    name="has_waiters",
                    field=models.BooleanField(db_column="has_waiters", default=False),
                ),
                migrations.RenameField(model_name="operation", old_name="has_waiters", new_name="has_subscriptions"),
            ]
        )
    ]
