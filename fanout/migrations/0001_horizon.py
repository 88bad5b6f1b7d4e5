"""Take over the model Horizon from the app `social`. Its table does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("social", "0021_horizon_moves")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Horizon",
                    fields=[
                        (
                            "table_name",
                            models.CharField(max_length=63, primary_key=True, serialize=False),
                        ),
                        ("post_id", models.BigIntegerField()),
                    ],
                    options={"db_table": "social_horizon"},
                ),
            ]
        ),
    ]
