"""Keys of names, by which they are unique, and how names look."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import social.models


class Migration(migrations.Migration):
    dependencies = [("social", "0013_tried")]

    operations = [
        migrations.AlterModelManagers("user", [("objects", social.models.People())]),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    "user",
                    "name_key",
                    social.models.NameKeyField(
                        default="", editable=False, max_length=500, unique=True
                    ),
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    # Filled and made unique by the next ones.
                    "ALTER TABLE social_user ADD COLUMN name_key varchar(500)",
                    "ALTER TABLE social_user DROP COLUMN name_key",
                ),
            ],
        ),
        migrations.CreateModel(
            name="Lookalike",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("skeleton", models.CharField(max_length=500)),
                ("script", models.CharField(max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["skeleton"], name="social_lookalike_by_skeleton")]
            },
        ),
    ]
