from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_slices")]

    operations = [
        migrations.RenameField("delivery", "lease_until", "due_at"),
        migrations.AddField("delivery", "claimed_by", models.UUIDField(null=True)),
        migrations.AddField(
            "delivery", "host", models.CharField(blank=True, max_length=100, db_default="")
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                models.F("due_at"),
                condition=models.Q(("due_at__isnull", False)),
                name="notifications_delivery_due",
            ),
        ),
    ]
