from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("timelines", "0007_waiting_fanouts_index")]

    operations = [
        migrations.AddField("fanout", "repairs", models.SmallIntegerField(default=0, db_default=0)),
    ]
