from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0008_read_floors")]

    operations = [
        migrations.AddField(
            "fanout", "waiting", models.BooleanField(default=False, db_default=False)
        ),
    ]
