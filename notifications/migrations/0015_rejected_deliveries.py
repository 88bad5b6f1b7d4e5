from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0014_user_clock")]

    operations = [
        migrations.AddField("delivery", "rejected_at", models.DateTimeField(null=True)),
    ]
