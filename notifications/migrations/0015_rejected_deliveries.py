from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_waiting_fanouts")]

    operations = [
        migrations.AddField("delivery", "rejected_at", models.DateTimeField(null=True)),
    ]
