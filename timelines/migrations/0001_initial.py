import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ENTRY_TABLE = """
    CREATE TABLE timelines_timelineentry (
        owner_id bigint NOT NULL,
        post_id bigint NOT NULL,
        PRIMARY KEY (owner_id, post_id)
    ) PARTITION BY RANGE (post_id)
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("social", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FanOut",
            fields=[
                ("post_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("planned_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("planned_at"),
                        condition=models.Q(("finished_at", None)),
                        name="timelines_unfinished",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SliceRecord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "post_id",
                        "after",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("post_id", models.BigIntegerField()),
                ("after", models.BigIntegerField()),
                ("up_to", models.BigIntegerField()),
                ("rows", models.IntegerField()),
                ("written_at", models.DateTimeField()),
            ],
        ),
        # Django cannot create a partitioned table. Its partitions are created as posts need them.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ENTRY_TABLE, "DROP TABLE timelines_timelineentry"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="TimelineEntry",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "owner_id",
                                "post_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="timeline_entries",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "post",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="social.post",
                            ),
                        ),
                    ],
                    options={"verbose_name_plural": "timeline entries"},
                ),
            ],
        ),
    ]
