from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_waiting_fanouts")]

    operations = [
        migrations.AddField(
            "preference",
            "pushed",
            ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False),
        ),
        migrations.AddField(
            "preference",
            "pushed_at",
            ArrayField(models.DateTimeField(), default=list, db_default=[], editable=False),
        ),
        migrations.AddField(
            "preference", "summed_up_at", models.DateTimeField(null=True, editable=False)
        ),
        migrations.AddField(
            "delivery", "summary", models.BooleanField(default=False, db_default=False)
        ),
        migrations.AlterField(
            "notification",
            "held",
            models.CharField(
                choices=[
                    ("author", "Author"),
                    ("quiet hours", "Quiet Hours"),
                    ("hourly cap", "Hourly Cap"),
                    ("late", "Late"),
                ],
                max_length=20,
                null=True,
            ),
        ),
    ]
