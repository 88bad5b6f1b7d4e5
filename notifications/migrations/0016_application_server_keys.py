from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0015_rejected_deliveries")]

    operations = [
        migrations.AddField(
            "pushsubscription",
            "application_server_key",
            models.CharField(blank=True, db_default="", max_length=100),
        ),
    ]
