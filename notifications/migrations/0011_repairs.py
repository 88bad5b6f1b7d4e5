from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0010_hourly_cap")]

    operations = [
        migrations.AddField("fanout", "repairs", models.SmallIntegerField(default=0, db_default=0)),
    ]
