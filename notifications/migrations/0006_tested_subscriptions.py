from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0005_preferences"),
    ]

    operations = [
        migrations.AddField(
            model_name="pushsubscription",
            name="test",
            field=models.CharField(
                choices=[("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")],
                max_length=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="pushsubscription",
            name="tested_at",
            field=models.DateTimeField(null=True),
        ),
    ]
