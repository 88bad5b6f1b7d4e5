import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import social.time_zones


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0004_due_deliveries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SilencedAuthor",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "author_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="silenced_authors",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="silenced_by",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="notification",
            name="held",
            field=models.CharField(
                choices=[
                    ("author", "Author"),
                    ("quiet hours", "Quiet Hours"),
                    ("hourly cap", "Hourly Cap"),
                ],
                max_length=20,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="preference",
            name="hourly_cap",
            field=models.PositiveSmallIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AddField(
            model_name="preference",
            name="quiet_from",
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="preference",
            name="quiet_until",
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="preference",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                max_length=64,
                validators=[social.time_zones.check_time_zone],
            ),
        ),
        migrations.AddConstraint(
            model_name="preference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quiet_from", None), ("quiet_until", None)),
                    models.Q(
                        ("quiet_from__isnull", False),
                        ("quiet_until__isnull", False),
                        models.Q(("quiet_from", models.F("quiet_until")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="notifications_quiet_hours",
                violation_error_message="Give a begin and another end, or neither.",
            ),
        ),
        migrations.AddIndex(
            model_name="silencedauthor",
            index=models.Index(fields=["author", "user"], name="notifications_silenced_fanout"),
        ),
    ]
