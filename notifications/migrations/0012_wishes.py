from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0011_repairs")]

    operations = [
        migrations.AddField(
            "pushsubscription",
            "wishes",
            models.JSONField(default=dict, db_default={}, blank=True),
        ),
    ]
