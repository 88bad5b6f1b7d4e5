from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("timelines", "0008_inactive_owners")]

    operations = [
        migrations.AddField("fanout", "repairs", models.SmallIntegerField(default=0, db_default=0)),
    ]
