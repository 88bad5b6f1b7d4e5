from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0021_indexes_of_logins")]

    operations = [
        migrations.AddField("notification", "dismissed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "readmark", "seen_up_to", models.BigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField(
            "readmark", "seen_floor", models.BigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField(
            "readmark",
            "seen_above",
            ArrayField(models.BigIntegerField(), default=list, db_default=[]),
        ),
    ]
