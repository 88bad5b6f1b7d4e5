from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.AddField(
            "pushsubscription",
            "transport",
            models.CharField(
                max_length=20,
                default="web_push",
                db_default="web_push",
            ),
        ),
        migrations.AlterField(
            "pushsubscription", "endpoint", models.CharField(max_length=1000, unique=True)
        ),
        migrations.AlterField(
            "pushsubscription", "p256dh", models.CharField(blank=True, max_length=100)
        ),
        migrations.AlterField(
            "pushsubscription", "auth", models.CharField(blank=True, max_length=50)
        ),
    ]
