from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0016_application_server_keys")]

    operations = [
        AddIndexConcurrently(
            "pushsubscription",
            models.Index(
                "application_server_key",
                condition=~models.Q(application_server_key=""),
                name="notifications_subscription_key",
            ),
        ),
    ]
