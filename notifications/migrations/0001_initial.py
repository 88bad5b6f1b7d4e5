import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

NOTIFICATION_TABLE = """
    CREATE TABLE notifications_notification (
        recipient_id bigint NOT NULL,
        post_id bigint NOT NULL,
        created_at timestamptz NOT NULL,
        read_at timestamptz,
        PRIMARY KEY (recipient_id, post_id)
    ) PARTITION BY RANGE (post_id)
"""

# Django treats the sequence's id as the primary key; the table's own key is (post, subscription).
DELIVERY_TABLE = """
    CREATE TABLE notifications_delivery (
        id bigserial NOT NULL,
        post_id bigint NOT NULL,
        subscription_id bigint NOT NULL,
        recipient_id bigint NOT NULL,
        created_at timestamptz NOT NULL,
        lease_until timestamptz,
        settled_at timestamptz,
        attempts smallint NOT NULL,
        provider_status smallint,
        state varchar(10) NOT NULL,
        reason varchar(200) NOT NULL,
        PRIMARY KEY (post_id, subscription_id)
    ) PARTITION BY RANGE (post_id)
"""


def post_key():
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="social.post",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("social", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Preference",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("push_enabled", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="PushSubscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("endpoint", models.URLField(max_length=1000, unique=True)),
                ("p256dh", models.CharField(max_length=100)),
                ("auth", models.CharField(max_length=50)),
                ("name", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="push_subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
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
                        name="notifications_unfinished",
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
        # Django cannot create partitioned tables; their partitions are created with the posts.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(NOTIFICATION_TABLE, "DROP TABLE notifications_notification"),
                migrations.RunSQL(DELIVERY_TABLE, "DROP TABLE notifications_delivery"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Notification",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "recipient_id",
                                "post_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "recipient",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notifications",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("post", post_key()),
                        ("created_at", models.DateTimeField()),
                        ("read_at", models.DateTimeField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Delivery",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("post", post_key()),
                        ("subscription_id", models.BigIntegerField()),
                        ("recipient_id", models.BigIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("held", "Held"),
                                    ("sending", "Sending"),
                                    ("retrying", "Retrying"),
                                    ("sent", "Sent"),
                                    ("failed", "Failed"),
                                    ("expired", "Expired"),
                                    ("refused", "Refused"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("attempts", models.SmallIntegerField()),
                        ("provider_status", models.SmallIntegerField(null=True)),
                        ("reason", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField()),
                        ("lease_until", models.DateTimeField(null=True)),
                        ("settled_at", models.DateTimeField(null=True)),
                    ],
                    options={"verbose_name_plural": "deliveries"},
                ),
            ],
        ),
    ]
