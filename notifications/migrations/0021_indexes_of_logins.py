from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

CHECK = """
    ALTER TABLE notifications_pushsubscription VALIDATE CONSTRAINT notifications_device_token
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0020_logins_of_devices")]

    operations = [
        AddIndexConcurrently(
            "pushsubscription",
            models.Index(
                fields=["token"],
                condition=models.Q(token__isnull=False),
                name="notifications_device_token",
            ),
        ),
        AddIndexConcurrently(
            "pushsubscription",
            models.Index(
                fields=["used_at"],
                condition=models.Q(token=None),
                name="notifications_device_unused",
            ),
        ),
        migrations.RunSQL(CHECK, migrations.RunSQL.noop),
    ]
