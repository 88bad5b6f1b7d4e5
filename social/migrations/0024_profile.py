import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import social.languages
import social.time_zones


class Migration(migrations.Migration):
    dependencies = [("social", "0023_find_people")]

    operations = [
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="profile",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("display_name", models.CharField(blank=True, max_length=250)),
                ("bio", models.CharField(blank=True, max_length=2500)),
                (
                    "language",
                    models.CharField(
                        blank=True, max_length=20, validators=[social.languages.check_language]
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[social.time_zones.check_time_zone],
                    ),
                ),
            ],
        ),
    ]
